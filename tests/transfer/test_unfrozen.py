"""Stages of a body that are trained after the head: what changes, what stays, and what nothing depends on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from coloured import coloured
from torch import nn

from ravine.bundle import Model, load
from ravine.data.audit import Audit
from ravine.data.pack import pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices, split
from ravine.ensemble.independent import Independent
from ravine.ensemble.monte_carlo import MonteCarlo
from ravine.ensemble.swa import SWA
from ravine.experiment.fitted import COMPARED
from ravine.experiment.stages import Stages
from ravine.models.backbone import Backbone
from ravine.optim.adamw import AdamW
from ravine.plan.head import HeadChoices
from ravine.plan.plan import Plan, TuningChoices
from ravine.plan.toml import dumps
from ravine.regularize.class_balance import ClassBalance
from ravine.regularize.dropout import Dropout
from ravine.regularize.early_stopping import EarlyStopping
from ravine.regularize.label_smoothing import LabelSmoothing
from ravine.schedules.constant import Constant
from ravine.train.evaluate import direct, logits
from ravine.transfer.unfrozen import Unfrozen

WAYS = ("last1", "last2", "all")
FROZEN_OF = {"last1": ("conv1", "bn1", "layer1", "layer2", "layer3"), "last2": ("conv1", "bn1", "layer1", "layer2")}


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return coloured(tmp_path_factory.mktemp("colours"), 14, 200, 40, lambda number: (40, 36 + number))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small body with fixed weights, whose batch norms have statistics."""
    torch.manual_seed(1)
    body = Backbone("test_resnet", "random").load_pretrained().train()
    body(torch.randn(16, 3, 32, 32))
    path = tmp_path_factory.mktemp("weights") / "body.pth"
    torch.save(body.state_dict(), path)
    return str(path)


def _plan(weights: str, transfer: str, **changes: object) -> Plan:
    plan = Plan(
        model=Backbone("test_resnet", weights),
        transfer=transfer,
        picture=Preprocess(size=32, channels=3),
        split=SplitChoices(validation=0.0, nested=True),
        optimizer=AdamW(lr=1e-3),
        schedule=Constant(),
        penalty=(),
        epochs=2,
        batch_size=8,
        head=HeadChoices(l2=(1e-2, 1.0), folds=3),
        tuning=TuningChoices(decay=0.5),
        compiled=False,
        graph="eager",
    )
    return replace(plan, **changes)


def _unfrozen(plan: Plan, audit: Audit) -> Unfrozen:
    return Unfrozen(plan, audit, lambda: pack(audit, plan.picture), split(audit, plan.split, plan.seed))


def _body(network: nn.Module) -> dict[str, torch.Tensor]:
    return network.get_submodule("body").state_dict()


@pytest.mark.parametrize("transfer", WAYS)
def test_frozen_stages_and_statistics_keep_their_bits_and_the_others_change(
    audit: Audit, weights: str, transfer: str
) -> None:
    fitted = _unfrozen(_plan(weights, transfer), audit).fit(Stages())
    before, after = torch.load(weights, weights_only=True), _body(fitted.network)
    assert list(before) == list(after)
    frozen = FROZEN_OF.get(transfer, ())
    for name, value in before.items():
        stays = name.split(".")[0] in frozen or name.endswith(("running_mean", "running_var", "num_batches_tracked"))
        assert torch.equal(value, after[name]) == stays, name
    assert not any(module.training for module in fitted.network.modules())


@pytest.mark.parametrize("transfer", WAYS)
def test_what_was_stored_says_nearly_what_the_files_do(audit: Audit, weights: str, transfer: str) -> None:
    plan = _plan(weights, transfer)
    unfrozen = _unfrozen(plan, audit)
    fitted = unfrozen.fit(Stages())
    if transfer == "all":
        assert fitted.read is None
        return
    assert fitted.read is not None
    rows, stored = fitted.read
    z = logits(fitted.network, direct(audit.pixels, rows, plan.picture))
    assert rows.tolist() == unfrozen.rows[:COMPARED].tolist()
    assert 0 < np.abs(z - stored).max() < 2e-2 * np.abs(z).max()


def test_a_fifth_is_held_out_and_the_training_repeated_on_all(audit: Audit, weights: str) -> None:
    unfrozen = _unfrozen(_plan(weights, "last1"), audit)
    fitted = unfrozen.fit(Stages())
    fit, held = unfrozen.parts
    assert fitted.unseen is not None
    assert np.array_equal(fitted.unseen.labels, audit.labels[held])
    assert sorted([*fit, *held]) == unfrozen.split.train.tolist()
    assert f"all {len(unfrozen.split.train)} training and validation pictures" in fitted.refit
    assert [one.run for one in fitted.history] == ["choose"] * 2 + ["refit"] * 2
    assert fitted.temperature == fitted.unseen.temperature()


def test_given_validation_pictures_are_used(audit: Audit, weights: str) -> None:
    plan = _plan(weights, "last1", split=SplitChoices(validation=0.2, nested=True), refit=False)
    unfrozen = _unfrozen(plan, audit)
    fitted = unfrozen.fit(Stages())
    assert fitted.unseen is not None
    assert np.array_equal(fitted.unseen.labels, audit.labels[unfrozen.split.validation])
    z = logits(fitted.network, direct(audit.pixels, unfrozen.split.validation, plan.picture))
    assert np.abs(z - fitted.unseen.logits).max() < 2e-2 * np.abs(z).max()


@pytest.mark.parametrize("transfer", WAYS)
def test_answers_depend_on_the_pictures_that_are_fitted_alone(audit: Audit, weights: str, transfer: str) -> None:
    plan = _plan(weights, transfer, techniques=(EarlyStopping(),), members=2, optimizer=AdamW(lr=(1e-3, 1e-4)))
    unfrozen = _unfrozen(plan, audit)
    rows = unfrozen.rows
    fit, held = rows[::2], rows[1::2]
    z = unfrozen.answers(fit, held, 7)
    assert z.shape == (len(held), 3)
    some = unfrozen.answers(fit, held[:4], 7)
    assert np.allclose(some, z[:4], rtol=1e-4, atol=1e-5)
    other = replace(audit, labels=np.where(np.isin(np.arange(len(audit)), held), 2 - audit.labels, audit.labels))
    again = _unfrozen(plan, other)
    same = Unfrozen(plan, other, again.pack, unfrozen.split).answers(fit, held, 7)
    assert np.array_equal(same, z)
    assert not np.array_equal(unfrozen.answers(fit, held, 8), z)
    assert np.array_equal(unfrozen.answers(fit[::-1], held, 7), z)


def test_the_same_plan_gives_the_same_bits(audit: Audit, weights: str) -> None:
    one, two = (_unfrozen(_plan(weights, "last2"), audit).fit(Stages()).network.state_dict() for _ in range(2))
    assert all(torch.equal(value, two[name]) for name, value in one.items())


@pytest.mark.parametrize(
    ("transfer", "changes"),
    [
        ("last1", {}),
        ("all", {}),
        ("last2", {"techniques": (Dropout(0.3), LabelSmoothing(0.1))}),
        ("last1", {"members": 2, "ensemble": Independent()}),
        ("last1", {"techniques": (Dropout(0.3),), "ensemble": MonteCarlo(2)}),
        ("last2", {"ensemble": SWA(start=0.25), "refit": False}),
        ("last1", {"techniques": (ClassBalance(),), "precision": "full"}),
    ],
)
def test_a_saved_model_answers_alike(
    audit: Audit, weights: str, tmp_path: Path, transfer: str, changes: dict[str, object]
) -> None:
    plan = _plan(weights, transfer, **changes)
    fitted = _unfrozen(plan, audit).fit(Stages())
    model = Model(fitted.network, audit.classes, plan.picture, 1.0, dumps(plan), {}, {}, fitted.members)
    model.save(tmp_path / "model.ravine")
    pictures = [audit.pixels(row) for row in range(5)]
    said, again = (one.predict(pictures) for one in (model, load(tmp_path / "model.ravine")))
    assert [one.probabilities for one in said] == [one.probabilities for one in again]
    before = torch.load(weights, weights_only=True)
    statistics = [name for name in before if name.endswith("running_mean")]
    bodies = [module for name, module in fitted.network.named_modules() if name.split(".")[-1] == "body"]
    assert bodies
    assert all(torch.equal(one.state_dict()[name], before[name]) for one in bodies for name in statistics)


@pytest.mark.parametrize(
    "changes",
    [
        {"tuning": TuningChoices(decay=1.0)},
        {"head": HeadChoices(l2=(1.0, 10.0), folds=3)},
        {"epochs": 3},
        {"batch_size": 5},
        {"seed": 1},
    ],
)
def test_every_choice_changes_the_answers(audit: Audit, weights: str, changes: dict[str, object]) -> None:
    plan = _plan(weights, "last2")
    rows = np.arange(len(audit))
    z = [
        _unfrozen(one, audit).training(Stages()).population([one.seed], [0], rows[:20]).theta
        if "head" in changes
        else _unfrozen(one, audit).fit(Stages()).network.state_dict()["head.weight"]
        for one in (plan, replace(plan, **changes))
    ]
    assert not torch.equal(*z)


def test_the_time_of_a_training_is_expected_from_its_steps(audit: Audit, weights: str) -> None:
    unfrozen = _unfrozen(_plan(weights, "last1", epochs=4), audit)
    few, many = unfrozen.expected_seconds(8), unfrozen.expected_seconds(80)
    assert 0 < few < many
    assert unfrozen.epoch_seconds(80) == pytest.approx(10 * unfrozen.epoch_seconds(8))
    before = unfrozen.expected_seconds(8)
    unfrozen.training(Stages())
    assert unfrozen.expected_seconds(8) < before


def test_training_starts_from_the_head_of_its_pictures(audit: Audit, weights: str) -> None:
    """With a rate of nearly 0, the answers are those of the head alone."""
    from ravine.optim.second_order.lbfgs import LBFGS
    from ravine.transfer.head import FrozenBody

    plan = _plan(weights, "last2", optimizer=AdamW(lr=1e-9))
    unfrozen = _unfrozen(plan, audit)
    head = Plan(plan.model, "head", plan.picture, plan.split, LBFGS(), head=plan.head)
    frozen = FrozenBody(head, audit, unfrozen.pack, unfrozen.split)
    fit, held = unfrozen.rows[::2], unfrozen.rows[1::2]
    z, alone = (one.answers(fit, held, 3) for one in (unfrozen, frozen))
    assert np.abs(z - alone).max() < 2e-2 * np.abs(alone).max()
