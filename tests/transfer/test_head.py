"""A head on a frozen body, from pictures to a network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from coloured import coloured, stored
from scipy.special import softmax

from ravine.base.errors import PlanError
from ravine.data.audit import Audit
from ravine.data.pack import pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, SplitChoices, split
from ravine.experiment.fitted import Fitted
from ravine.experiment.stages import Stages
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.plan import HeadChoices, Plan
from ravine.regularize.class_balance import ClassBalance
from ravine.train.evaluate import direct, logits
from ravine.transfer.head import FrozenBody


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return coloured(tmp_path_factory.mktemp("colours"), 14, 120, 110, lambda number: (50, 40 + number))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return stored(tmp_path_factory.mktemp("weights") / "body.pth", 1).weights


def _plan(weights: str, **changes: object) -> Plan:
    plan = Plan(
        model=Backbone("test_resnet", weights),
        transfer="head",
        picture=Preprocess(size=48, channels=3),
        split=SplitChoices(validation=0.0),
        optimizer=LBFGS(),
        head=HeadChoices(l2=(1e-3, 1e-1), folds=3),
    )
    return replace(plan, **changes)


def _fit(plan: Plan, audit: Audit, tmp_path: Path) -> tuple[Fitted, Split]:
    parts = split(audit, plan.split, plan.seed)
    packed = pack(audit, plan.picture, directory=tmp_path)
    return FrozenBody(plan, audit, lambda: packed, parts).fit(Stages()), parts


def test_every_picture_is_held_out_once_and_the_final_head_sees_them_all(
    audit: Audit, weights: str, tmp_path: Path
) -> None:
    fitted, parts = _fit(_plan(weights), audit, tmp_path)
    assert fitted.unseen is not None
    assert np.array_equal(fitted.unseen.labels, audit.labels[parts.train])
    assert "each held out once in one of 3 folds" in fitted.unseen.name
    assert f"all {len(parts.train)} pictures" in fitted.refit
    assert [strength for strength, _ in fitted.penalties] == [1e-3, 1e-1]
    values = [candidate.value for candidate in fitted.candidates]
    assert values == [nll for _, nll in fitted.penalties]
    assert [candidate.chosen for candidate in fitted.candidates] == [value == min(values) for value in values]
    assert fitted.temperature == fitted.unseen.temperature()
    z = logits(fitted.network, direct(audit.pixels, parts.test, _plan(weights).picture))
    assert (z.argmax(1) == audit.labels[parts.test]).mean() > 0.7


@pytest.mark.parametrize("transfer", ["head", "depth"])
def test_the_features_say_of_test_pictures_what_the_network_says(
    audit: Audit, weights: str, tmp_path: Path, transfer: str
) -> None:
    plan = _plan(weights, transfer=transfer)
    fitted, parts = _fit(plan, audit, tmp_path)
    assert fitted.said is not None
    done: list[int] = []
    said = fitted.said(parts.test, done.append)
    assert np.abs(said - logits(fitted.network, direct(audit.pixels, parts.test, plan.picture))).max() < 5e-3
    assert sum(done) == len(parts.test)


def test_given_validation_pictures_are_used_instead_of_folds(audit: Audit, weights: str, tmp_path: Path) -> None:
    plan = _plan(weights, split=SplitChoices(validation=0.2))
    fitted, parts = _fit(plan, audit, tmp_path)
    assert fitted.unseen is not None
    assert len(parts.validation) > 0
    assert np.array_equal(fitted.unseen.labels, audit.labels[parts.validation])
    assert fitted.unseen.name == f"the {len(parts.validation)} validation pictures"
    assert f"all {len(parts.train) + len(parts.validation)} pictures" in fitted.refit


def test_without_a_refit_the_head_is_the_one_that_was_judged(audit: Audit, weights: str, tmp_path: Path) -> None:
    plan = _plan(weights, split=SplitChoices(validation=0.2), refit=False)
    fitted, parts = _fit(plan, audit, tmp_path)
    assert fitted.unseen is not None
    z = logits(fitted.network, direct(audit.pixels, parts.validation, plan.picture))
    assert np.abs(z - fitted.unseen.logits).max() < 5e-2 * np.abs(z).max()
    assert fitted.refit == ""


def test_the_same_plan_gives_the_same_bits(audit: Audit, weights: str, tmp_path: Path) -> None:
    one, two = (_fit(_plan(weights), audit, tmp_path)[0].network.state_dict() for _ in range(2))
    assert all(torch.equal(value, two[name]) for name, value in one.items())


def test_the_body_stays_as_it_was(audit: Audit, weights: str, tmp_path: Path) -> None:
    fitted, _ = _fit(_plan(weights), audit, tmp_path)
    before = torch.load(weights, weights_only=True)
    after = fitted.network.get_submodule("body").state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_another_plan_is_refused(audit: Audit, tmp_path: Path, weights: str) -> None:
    plan = _plan(weights)
    object.__setattr__(plan, "model", MLP())
    with pytest.raises(PlanError, match="needs model=timm:NAME"):
        _fit(plan, audit, tmp_path)


def test_balanced_classes_change_the_head_where_one_is_rare(audit: Audit, weights: str) -> None:
    plan = _plan(weights)
    parts = split(audit, SplitChoices(validation=0.0), 0)
    rare = replace(parts, train=np.array([row for row in parts.train if audit.labels[row] != 0 or row % 4 == 0]))
    packed = pack(audit, plan.picture)
    usual, balanced = (
        FrozenBody(replace(plan, techniques=part), audit, lambda: packed, rare).fit(Stages())
        for part in ((), (ClassBalance(),))
    )
    z = [logits(one.network, direct(audit.pixels, parts.test, plan.picture)) for one in (usual, balanced)]
    first = [softmax(one, axis=1)[:, 0].mean() for one in z]
    assert first[1] > first[0]
