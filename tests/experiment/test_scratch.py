"""Training from scratch: choose, calibrate, train again."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ravine.base.errors import PlanError, TrainingError
from ravine.data.pack import Pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, SplitChoices
from ravine.experiment.fitted import Fitted
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.optim.adam import Adam
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.sgd import SGD
from ravine.penalties.l1 import L1
from ravine.penalties.l2 import L2
from ravine.plan.plan import Plan
from ravine.schedules.constant import Constant
from ravine.train.evaluate import logits, packed

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
IMAGES = np.clip(RNG.normal(100 + 40 * LABELS[:, None, None, None], 40, (60, 6, 6, 1)), 0, 255).astype(np.uint8)
PACK = Pack(IMAGES, LABELS, False, 0.0, None)
SPLIT = Split(np.arange(36), np.arange(36, 48), np.arange(48, 60), "drawn", 0)
PLAN = Plan(
    model=SmallCNN(width=3, depth=1),
    transfer="scratch",
    picture=Preprocess(size=6, channels=1),
    split=SplitChoices(),
    optimizer=Adam(lr=0.01),
    schedule=Constant(),
    penalty=(L2(1e-3),),
    epochs=3,
    batch_size=12,
    compiled=False,
    execution="looped",
    graph="eager",
)
CLASSES = ("a", "b", "c")
STEPLESS: dict[str, object] = dict.fromkeys(("schedule", "compiled", "execution", "graph"))


def _fit(split: Split = SPLIT, pack: Pack = PACK, **changes: object) -> Fitted:
    return Scratch(replace(PLAN, **changes), pack, split, CLASSES).fit(Stages())


def _row(fitted: Fitted) -> torch.Tensor:
    return torch.cat([value.flatten().double() for value in fitted.network.state_dict().values()])


def test_the_best_member_is_chosen_and_its_training_repeated_on_all_that_is_not_for_testing() -> None:
    rates = (1e-5, 0.02, 1e-4)
    fitted = _fit(members=3, optimizer=Adam(lr=rates), seed=5)
    values = [candidate.value for candidate in fitted.candidates]
    assert [candidate.chosen for candidate in fitted.candidates] == [value == min(values) for value in values]
    assert fitted.candidates[1].chosen
    assert [candidate.name for candidate in fitted.candidates] == [f"member {k + 1}, seed {5 + k}" for k in range(3)]
    both = replace(SPLIT, train=np.arange(48), validation=np.arange(0))
    again = _fit(both, optimizer=Adam(lr=0.02), seed=6)
    assert torch.equal(_row(fitted), _row(again))
    assert "all 48 training and validation pictures" in fitted.refit


def test_without_a_refit_the_judged_network_is_kept() -> None:
    fitted = _fit(refit=False)
    z = logits(fitted.network, packed(torch.from_numpy(IMAGES), SPLIT.validation, PLAN.picture))
    assert fitted.unseen is not None
    assert np.array_equal(z, fitted.unseen.logits)
    assert np.array_equal(LABELS[SPLIT.validation], fitted.unseen.labels)
    assert fitted.refit == ""
    assert {epoch.run for epoch in fitted.history} == {"choose"}


def test_a_refit_inherits_the_temperature_and_the_evidence() -> None:
    with_it, without = _fit(), _fit(refit=False)
    assert with_it.temperature == without.temperature
    assert with_it.unseen is not None
    assert without.unseen is not None
    assert np.array_equal(with_it.unseen.logits, without.unseen.logits)
    assert [epoch.run for epoch in with_it.history] == ["choose"] * 3 + ["refit"] * 3
    assert all(epoch.validation_nll is None for epoch in with_it.history[3:])


def test_the_network_answers_in_evaluation_mode() -> None:
    assert not _fit().network.training
    assert not _fit(refit=False).network.training


@pytest.mark.parametrize("model", [MLP(width=4, depth=1), SmallCNN(width=3, depth=1)])
def test_the_same_plan_gives_the_same_bits(model: object) -> None:
    assert torch.equal(_row(_fit(model=model, members=2)), _row(_fit(model=model, members=2)))


def test_test_pictures_play_no_part() -> None:
    images, labels = IMAGES.copy(), LABELS.copy()
    images[SPLIT.test], labels[SPLIT.test] = 0, 0
    assert torch.equal(_row(_fit()), _row(_fit(pack=Pack(images, labels, False, 0.0, None))))


def test_validation_pictures_play_no_part_before_the_refit() -> None:
    images, labels = IMAGES.copy(), LABELS.copy()
    images[SPLIT.validation], labels[SPLIT.validation] = 0, 0
    other = _fit(pack=Pack(images, labels, False, 0.0, None), refit=False)
    assert torch.equal(_row(_fit(refit=False)), _row(other))


def test_without_validation_pictures_nothing_is_chosen_or_calibrated() -> None:
    fitted = _fit(replace(SPLIT, validation=np.arange(0)))
    assert fitted.temperature == 1.0
    assert fitted.unseen is None
    assert fitted.refit == ""


def test_several_members_need_validation_pictures() -> None:
    with pytest.raises(PlanError, match=r"members > 1 needs validation pictures .* Set split.validation above 0"):
        _fit(replace(SPLIT, validation=np.arange(0)), members=2)


def test_a_failed_member_is_named_and_never_chosen() -> None:
    fitted = _fit(members=3, optimizer=SGD(lr=(1e30, 0.01, 0.02)))
    assert fitted.failed == (0,)
    assert math.isnan(fitted.candidates[0].value)
    assert not fitted.candidates[0].chosen
    assert bool(_row(fitted).isfinite().all())


def test_when_every_member_fails_it_is_an_error() -> None:
    with pytest.raises(TrainingError, match=r"Choose a smaller optimizer\.lr"):
        _fit(model=MLP(width=4, depth=1), members=2, optimizer=SGD(lr=1e30))


def test_every_metric_can_choose() -> None:
    for metric in ("accuracy", "macro_f1"):
        fitted = _fit(members=2, select=metric, optimizer=Adam(lr=(1e-6, 0.02)))
        assert [candidate.chosen for candidate in fitted.candidates] == [False, True]


def test_a_minimizer_sees_all_pictures_at_once() -> None:
    fitted = _fit(
        model=MLP(width=4, depth=1),
        optimizer=LBFGS(),
        schedule=None,
        batch_size=None,
        compiled=None,
        execution=None,
        graph=None,
        epochs=30,
    )
    losses = [epoch.train_loss for epoch in fitted.history if epoch.run == "choose"]
    assert losses == sorted(losses, reverse=True), "a line search never lets the loss rise"
    assert losses[-1] < 0.5 * losses[0]
    assert {epoch.run for epoch in fitted.history} == {"choose", "refit"}
    assert len(losses) <= 31


def test_a_minimizer_in_mini_batches_runs_when_it_is_asked_for() -> None:
    fitted = _fit(
        optimizer=LBFGS(),
        schedule=None,
        compiled=None,
        execution=None,
        graph=None,
        allow_minibatch=True,
        epochs=2,
        refit=False,
    )
    assert [epoch.epoch for epoch in fitted.history] == [1, 2]


def test_a_minimizer_refuses_what_is_no_gradient() -> None:
    with pytest.raises(PlanError, match="Choose penalty=l2"):
        _fit(
            optimizer=LBFGS(),
            schedule=None,
            batch_size=None,
            compiled=None,
            execution=None,
            graph=None,
            penalty=(L1(0.1),),
        )
