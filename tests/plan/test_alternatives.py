"""The plans that transfer=auto decides between."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ravine.base.errors import PlanError, RangeError
from ravine.data.mirror import Mirror
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.split import SplitChoices, split
from ravine.models.backbone import Backbone
from ravine.models.small_cnn import SmallCNN
from ravine.optim.adam import Adam
from ravine.optim.second_order.bfgs import BFGS
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.alternatives import WAYS, Alternatives, alternatives
from ravine.plan.facts import Facts
from ravine.plan.plan import FROZEN, UNFROZEN
from ravine.plan.toml import dumps, loads, parse, wishes

PHOTOS = Facts(pictures=200, classes=5, median_side=90, same_size=False, grey=False, cores=2, device="cpu")
BODY = {"transfer": "auto", "model": "timm:test_resnet@random"}


def plans(**settings: Any) -> Alternatives:
    return alternatives(
        PHOTOS, wishes({**BODY, **{name.replace("__", "."): value for name, value in settings.items()}})
    )


def names_of(found: Alternatives) -> tuple[str, ...]:
    return tuple(one.name for one in found.possible)


def test_there_is_a_plan_for_each_way_and_it_is_written_and_read_without_loss() -> None:
    found = plans()
    assert names_of(found) == WAYS == ("head", "depth", "last1", "last2", "all", "scratch")
    assert found.refused == {}
    for one in found.possible:
        assert one.plan.transfer == one.name
        assert loads(dumps(one.plan)) == one.plan
        assert {"model", "transfer", "optimizer"} <= {reason.name for reason in one.reasons}


def test_from_scratch_it_is_the_small_network_and_else_the_body() -> None:
    found = plans()
    assert isinstance(found.of("scratch").plan.model, SmallCNN)
    assert found.of("scratch").plan.picture.size == 64
    assert all(found.of(name).plan.model == Backbone("test_resnet", "random") for name in WAYS[:-1])


@pytest.mark.parametrize("settings", [{}, {"split__validation": 0.1}, {"split__test": 0.3}, {"seed": 4}])
def test_all_have_the_same_test_pictures(settings: dict[str, Any], tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (80, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(80) % 3)
    audit = scan(read_source(tmp_path / "a.npz"))
    found = [split(audit, one.plan.split, one.plan.seed) for one in plans(**settings).possible]
    assert len({tuple(parts.test) for parts in found}) == 1
    assert len({tuple(sorted([*parts.train, *parts.validation])) for parts in found}) == 1
    if not settings:
        usual = split(audit, SplitChoices(validation=0.0), 0)
        assert np.array_equal(usual.test, found[0].test)


def test_settings_of_steps_go_to_ways_that_take_steps() -> None:
    found = plans(epochs=3, batch_size=8, members=2, optimizer__lr=0.0123)
    assert names_of(found) == WAYS
    for one in found.possible:
        steps = one.name not in FROZEN
        assert (one.plan.epochs, one.plan.members) == ((3, 2) if steps else (None, 1))
        assert getattr(one.plan.optimizer, "lr", None) == (0.0123 if steps else None)


def test_settings_of_heads_and_of_tuning_go_to_ways_that_have_them() -> None:
    found = plans(head__folds=3, tuning__decay=0.25, optimizer__history=4)
    assert names_of(found) == WAYS
    for one in found.possible:
        assert (one.plan.head.folds if one.plan.head else None) == (None if one.name == "scratch" else 3)
        assert (one.plan.tuning.decay if one.plan.tuning else None) == (0.25 if one.name in UNFROZEN else None)
        assert getattr(one.plan.optimizer, "history", None) == (4 if one.name in FROZEN else None)


def test_a_named_optimizer_goes_to_ways_that_can_have_its_kind() -> None:
    rules, minimizers = plans(optimizer="adam", optimizer__lr=0.002), plans(optimizer="bfgs")
    for one in rules.possible:
        assert isinstance(one.plan.optimizer, Minimizer if one.name in FROZEN else Adam)
    assert {one.name for one in minimizers.possible if isinstance(one.plan.optimizer, BFGS)} == set(FROZEN)
    assert rules.of("all").plan.optimizer == Adam(lr=0.002)


def test_techniques_go_where_they_can_act() -> None:
    found = plans(flip=True, mixup=True, dropout=True, batch_norm="on", class_balance="weights", ensemble="ema")
    assert names_of(found) == WAYS
    acting = {one.name: {type(part).__name__ for part in one.plan.techniques} for one in found.possible}
    assert acting["head"] == acting["depth"] == {"ClassBalance"}
    assert acting["last1"] == acting["last2"] == {"ClassBalance", "Dropout"}
    assert {"ClassBalance", "Dropout", "Flip", "Mixup"} <= acting["all"]
    assert "BatchNorm" not in acting["all"]
    assert {"ClassBalance", "Dropout", "Flip", "Mixup", "BatchNorm"} <= acting["scratch"]


def test_views_go_to_heads_on_a_frozen_body_and_augmentations_with_them() -> None:
    found = plans(head__views=2, head__depths=[2], flip=True)
    assert names_of(found) == WAYS
    assert {one.name for one in found.possible if one.plan.head and one.plan.head.views == 2} == set(FROZEN)
    assert {one.name for one in found.possible if one.plan.head and one.plan.head.depths} == {"depth"}
    assert "Flip" in {type(part).__name__ for part in found.of("head").plan.techniques}


def test_what_a_way_has_but_cannot_be_as_wished_refuses_this_way_and_says_why() -> None:
    found = plans(class_balance="sampling")
    assert set(found.refused) == set(FROZEN)
    assert "class_balance=weights" in found.refused["head"]
    assert names_of(found) == ("last1", "last2", "all", "scratch")


def test_what_every_way_with_a_body_refuses_is_an_error() -> None:
    with pytest.raises(PlanError, match="no_such_body"):
        plans(model="timm:no_such_body@random")


def test_reasons_that_differ_are_told_with_the_ways_that_they_refuse() -> None:
    with pytest.raises(PlanError, match=r"^head, depth: .+ last1, last2, all: ") as refusal:
        plans(class_balance="sampling", optimizer="schedule_free", tuning__decay=0.5)
    assert "scratch" not in str(refusal.value).split(":")[0]


@pytest.mark.parametrize(
    "settings", [{"batch_size": 0}, {"epochs": -1}, {"optimizer__lr": -1.0}, {"optimizer__lr": "x"}]
)
def test_a_value_that_no_plan_may_have_is_an_error_and_refuses_no_way(settings: dict[str, Any]) -> None:
    with pytest.raises(RangeError, match=r"outside its range|of the wrong kind"):
        plans(**settings)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"model": "mlp"}, r"model=mlp has none\. Choose model=timm:NAME, or transfer=scratch"),
        ({"split__nested": False}, r"Leave split\.nested out"),
        ({"optimizer__rate": 0.1}, r"no setting 'optimizer\.rate'"),
    ],
)
def test_what_leaves_nothing_to_decide_is_an_error_that_says_what_to_do(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(PlanError, match=match):
        plans(**settings)


def test_a_whole_plan_is_decided_already() -> None:
    plan = parse(dumps(plans().of("head").plan), "plan.toml")
    with pytest.raises(PlanError, match="decides anew"):
        alternatives(PHOTOS, wishes({**plan, "transfer": "auto"}))


def test_mirror_images_are_measured_once() -> None:
    calls: list[int] = []

    def look() -> Mirror:
        calls.append(1)
        return Mirror(True, "They may be mirrored.")

    alternatives(Facts(200, 5, 40, True, False, 2, "cpu", look), wishes(BODY))
    assert len(calls) == 1
