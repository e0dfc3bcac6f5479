"""Ensembles from a plan: what they answer, what is chosen, and what a refit repeats."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_every_switch import IMAGES, LABELS, PACK, PLAN, SPLIT, outcome
from torch.nn.functional import softmax

from ravine.base.errors import PlanError
from ravine.data.split import Split
from ravine.ensemble.collector import Course
from ravine.ensemble.committee import MeanOfSoftmax
from ravine.ensemble.ema import EMA
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.independent import Independent
from ravine.ensemble.monte_carlo import MonteCarlo
from ravine.ensemble.polyak import Polyak
from ravine.ensemble.selection import Selection
from ravine.ensemble.snapshot import Snapshot
from ravine.ensemble.soup import Soup
from ravine.ensemble.swa import SWA
from ravine.ensemble.test_time import Views
from ravine.experiment.fitted import Fitted, Trained
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Progress, Stages
from ravine.optim.momentum import Momentum
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.plan import Plan
from ravine.regularize.batch_norm import BatchNorm
from ravine.regularize.class_balance import ClassBalance
from ravine.regularize.dropout import Dropout
from ravine.regularize.early_stopping import EarlyStopping
from ravine.schedules.constant import Constant
from ravine.schedules.cosine_restarts import CosineRestarts
from ravine.train.evaluate import logits, packed

ALL = (Independent(), Snapshot(), Polyak(), EMA(0.9), SWA(0.5), Soup(), Soup(of="epochs"), Selection(3), Views())


def fit(plan: Plan, split: Split = SPLIT) -> Fitted:
    return Scratch(plan, PACK, split, ("a", "b", "c")).fit(Stages())


def said(network: torch.nn.Module, rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(logits(network, packed(torch.from_numpy(IMAGES), rows, PLAN.picture)))


def test_independent_members_answer_with_the_mean_of_the_softmaxes_of_three_trainings_alone() -> None:
    rates = (0.02, 0.01, 0.03)
    together = fit(replace(PLAN, optimizer=Momentum(lr=rates), ensemble=Independent(), seed=4))
    alone = [
        fit(replace(PLAN, members=1, seed=4 + member, optimizer=Momentum(lr=rate))) for member, rate in enumerate(rates)
    ]
    mean = torch.stack([softmax(said(one.network, SPLIT.validation), 1) for one in alone]).mean(0)
    torch.testing.assert_close(softmax(said(together.network, SPLIT.validation), 1), mean, rtol=1e-5, atol=1e-6)
    assert [one.name for one in together.candidates] == [
        *(f"member {m + 1}, seed {4 + m}" for m in range(3)),
        "independent",
    ]
    assert [one.chosen for one in together.candidates] == [False, False, False, True]
    assert together.members == (0, 1, 2)
    assert together.combined == "independent, the mean of the probabilities of 3 networks"


def test_snapshots_are_the_weights_at_the_ends_of_cycles() -> None:
    plan = replace(PLAN, members=1)
    kept = fit(replace(plan, ensemble=Snapshot())).network
    assert isinstance(kept, MeanOfSoftmax)
    assert len(kept.networks) == 3
    last = fit(plan).network
    assert torch.equal(said(kept.networks[-1], SPLIT.train), said(last, SPLIT.train))
    assert not torch.equal(said(kept.networks[0], SPLIT.train), said(last, SPLIT.train))


@pytest.mark.parametrize("ensemble", ALL, ids=lambda one: type(one).__name__)
def test_every_ensemble_repeats_bit_for_bit_and_can_be_trained_again_on_all(ensemble: Ensemble) -> None:
    plan = replace(PLAN, ensemble=ensemble, refit=True)
    one, other = fit(plan), fit(plan)
    assert torch.equal(said(one.network, SPLIT.train), said(other.network, SPLIT.train))
    assert one.unseen is not None
    assert not torch.equal(said(one.network, SPLIT.validation), torch.from_numpy(one.unseen.logits)), "it was refitted"
    assert {epoch.run for epoch in one.history} == {"choose", "refit"}


def test_a_refit_trains_only_members_with_a_share() -> None:
    rates = (1e-7, 0.02, 1e-7)
    fitted = fit(replace(PLAN, optimizer=Momentum(lr=rates), ensemble=Selection(1), refit=True, select="accuracy"))
    assert fitted.members == (1,)
    assert {epoch.member for epoch in fitted.history if epoch.run == "refit"} == {1}
    again = replace(PLAN, members=1, seed=1, optimizer=Momentum(lr=0.02), epochs=PLAN.epochs)
    everything = replace(SPLIT, train=np.arange(60), validation=np.arange(0))
    assert torch.equal(said(fitted.network, SPLIT.train), said(fit(again, everything).network, SPLIT.train))


def test_without_a_pool_the_best_member_is_chosen_as_its_average_answers() -> None:
    fitted = fit(replace(PLAN, optimizer=Momentum(lr=(1e-6, 0.02, 1e-6)), ensemble=EMA(0.9)))
    assert [one.chosen for one in fitted.candidates] == [False, True, False]
    assert fitted.unseen is not None
    assert torch.equal(said(fitted.network, SPLIT.validation), torch.from_numpy(fitted.unseen.logits))


def test_a_failed_member_does_not_vote() -> None:
    fitted = fit(replace(PLAN, optimizer=Momentum(lr=(1e30, 0.02, 0.01)), ensemble=Independent(), refit=True))
    assert fitted.failed == (0,)
    assert fitted.members == (1, 2)
    assert bool(said(fitted.network, SPLIT.validation).isfinite().all())


def test_without_validation_pictures_members_may_vote_but_not_be_chosen_from() -> None:
    none = replace(SPLIT, validation=np.arange(0))
    assert isinstance(fit(replace(PLAN, ensemble=Independent()), none).network, MeanOfSoftmax)
    with pytest.raises(PlanError, match="Selection needs validation pictures to choose by"):
        fit(replace(PLAN, ensemble=Selection()), none)


def test_a_minimizer_has_members_but_no_steps_to_gather() -> None:
    full = {
        "optimizer": LBFGS(),
        "schedule": None,
        "batch_size": None,
        "compiled": None,
        "execution": None,
        "graph": None,
    }
    assert fit(replace(PLAN, ensemble=Independent(), **full)).members == (0, 1, 2)
    with pytest.raises(PlanError, match="gathers weights after steps on mini-batches"):
        replace(PLAN, ensemble=EMA(), **full)
    with pytest.raises(PlanError, match="finds no dropout"):
        fit(replace(PLAN, ensemble=MonteCarlo(), **full))


def test_monte_carlo_needs_dropout_and_says_so_before_training() -> None:
    with pytest.raises(PlanError, match=r"Set dropout=0.5"):
        fit(replace(PLAN, ensemble=MonteCarlo()))
    assert fit(replace(PLAN, ensemble=MonteCarlo(2), techniques=(Dropout(0.3),))).network is not None


def test_early_stopping_keeps_the_best_epoch_and_the_refit_ends_there() -> None:
    plan = replace(PLAN, members=1, epochs=12, schedule=Constant(), optimizer=Momentum(lr=0.2), refit=True)
    fitted = fit(replace(plan, techniques=(EarlyStopping(patience=2),)))
    seen = [epoch for epoch in fitted.history if epoch.run == "choose"]
    best = min(seen, key=lambda epoch: epoch.validation_nll)
    assert len(seen) == best.epoch + 2 < 12
    assert fitted.candidates[0].value == pytest.approx(best.validation_nll)
    assert sum(epoch.run == "refit" for epoch in fitted.history) == best.epoch


def test_one_member_may_end_while_another_goes_on() -> None:
    plan = replace(PLAN, members=2, epochs=8, schedule=Constant(), optimizer=Momentum(lr=(0.4, 0.001)))
    fitted = fit(replace(plan, techniques=(EarlyStopping(patience=(1)),)))
    epochs = [sum(epoch.member == member for epoch in fitted.history) for member in (0, 1)]
    assert epochs[0] < epochs[1] == 8
    alone = replace(plan, members=1, seed=1, optimizer=Momentum(lr=0.001), techniques=(EarlyStopping(1),))
    assert np.array_equal(outcome(alone)[:8], [e.train_loss for e in fitted.history if e.member == 1])


def test_early_stopping_without_validation_pictures_or_beside_an_average_is_refused() -> None:
    plan = replace(PLAN, members=1, techniques=(EarlyStopping(),))
    with pytest.raises(PlanError, match="needs validation pictures to watch"):
        fit(plan, replace(SPLIT, validation=np.arange(0)))
    with pytest.raises(PlanError, match="keeps the weights of one epoch"):
        replace(plan, ensemble=SWA())


def test_balanced_sampling_shows_rare_classes_as_often_as_frequent_ones() -> None:
    plan = replace(PLAN, members=2, techniques=(ClassBalance("sampling", power=(1.0, 0.0)),))
    loop = Scratch(plan, PACK, SPLIT, ("a", "b", "c")).prepare(SPLIT.train, [0, 1], "choose", range(2))
    counts = sum(
        torch.stack([torch.bincount(row, minlength=3) for row in loop.batches.at(0, b).labels]) for b in range(4)
    )
    assert counts[0].max() - counts[0].min() <= 1
    assert counts[1].tolist() == np.bincount(LABELS[SPLIT.train]).tolist()


def test_values_for_another_number_of_members_are_an_error() -> None:
    with pytest.raises(PlanError, match="has 2 values for 3 members"):
        fit(replace(PLAN, optimizer=Momentum(lr=(0.1, 0.2))))
    with pytest.raises(PlanError, match="has 2 values for 3 members"):
        fit(replace(PLAN, techniques=(Dropout(p=(0.1, 0.2)),)))


def test_memory_is_stated_before_training_and_counts_what_an_ensemble_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Heard(Progress):
        def say(self, text: str) -> None:
            said.append(text)

    fitted = Scratch(replace(PLAN, members=1), PACK, SPLIT, ("a", "b", "c")).fit(Stages(Heard()))
    assert said == [fitted.course[0]]
    assert said[0].startswith("Training takes about ")
    source = Scratch(replace(PLAN, members=1, ensemble=Snapshot()), PACK, SPLIT, ("a", "b", "c"))
    loop = source.prepare(SPLIT.train, [0], "choose", [0])
    plain = source.memory(loop)
    loop.collector = Snapshot().collector(Course(1, 6, 4, PLAN.schedule))
    assert source.memory(loop).weights - plain.weights == 3 * 4 * loop.population.layout.size
    monkeypatch.setattr("ravine.experiment.scratch.available_bytes", lambda _: 1_000_000)
    with pytest.raises(PlanError, match=r"must be free, and 1 MB are. Choose a smaller "):
        source.fit(Stages())


def test_statistics_that_are_computed_anew_do_not_depend_on_the_order_of_the_source() -> None:
    by_class = np.argsort(LABELS[:40], kind="stable")
    for rows in (np.arange(40), by_class):
        source = Scratch(replace(PLAN, ensemble=SWA(0.4), seed=3), PACK, replace(SPLIT, train=rows), ("a", "b", "c"))
        batches = source.mixed(rows)
        assert sorted(batches.tolist()) == list(range(40))
        assert len(np.unique(LABELS[batches[:10]])) == 3


def test_a_refit_that_would_gather_other_snapshots_is_refused_before_training() -> None:
    steps = CosineRestarts(first=4.0, unit="step")
    plan = replace(PLAN, members=1, ensemble=Snapshot(), schedule=steps, refit=True)
    with pytest.raises(PlanError, match="its repetition on all pictures"):
        fit(plan)
    assert isinstance(fit(replace(plan, refit=False)).network, MeanOfSoftmax)


def test_members_may_have_decays_of_their_own_also_in_a_refit() -> None:
    fitted = fit(replace(PLAN, members=2, ensemble=EMA(decay=(0.5, 0.99)), refit=True))
    assert "repeated on all" in fitted.refit


def test_a_training_that_fails_when_it_is_repeated_leaves_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, original = replace(PLAN, members=1, refit=True), Scratch.train

    def failing(self: Scratch, rows: np.ndarray, members: range, run: str, *rest: object) -> Trained:
        trained = original(self, rows, members, run, *rest)
        return trained if run == "choose" else replace(trained, alive=torch.zeros(1, dtype=torch.bool))

    monkeypatch.setattr(Scratch, "train", failing)
    fitted = fit(plan)
    assert fitted.unseen is not None
    assert torch.equal(said(fitted.network, SPLIT.validation), torch.from_numpy(fitted.unseen.logits))
    assert "failed" in fitted.refit


def test_views_that_leave_nothing_of_a_picture_are_refused() -> None:
    with pytest.raises(PlanError, match="leaves less than half of a picture of 10 pixels"):
        replace(PLAN, ensemble=Views(shift=5))


def test_batch_norm_of_single_pictures_is_refused() -> None:
    with pytest.raises(PlanError, match="needs at least two pictures in a batch"):
        replace(PLAN, batch_size=1, techniques=(BatchNorm("on"),))
