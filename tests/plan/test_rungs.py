"""Rungs of a plan: what they may say, and how they are written."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_toml import PLAN

from ravine.base.errors import PlanError
from ravine.ensemble.independent import Independent
from ravine.ensemble.swa import SWA
from ravine.models.backbone import Backbone
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.plan import HeadChoices, Plan
from ravine.plan.rungs import Rung, check_rungs, epochs_of_all
from ravine.plan.toml import dumps, from_tree, loads, merge, read_settings, to_tree, wishes

MANY = replace(PLAN, members=64, epochs=20)


@given(
    st.lists(st.integers(1, 19), min_size=1, max_size=5, unique=True).map(sorted),
    st.lists(st.integers(2, 63), min_size=5, max_size=5, unique=True),
    st.sampled_from([None, "looped", "spread", "stacked", "spread_stacked"]),
)
def test_they_are_written_and_read_without_loss(epochs: list[int], keeps: list[int], way: object) -> None:
    rungs = tuple(Rung(e, k, way) for e, k in zip(epochs, sorted(keeps, reverse=True), strict=False))
    plan = replace(MANY, rungs=rungs)
    assert loads(dumps(plan)) == plan


def test_they_can_be_set_on_the_command_line() -> None:
    told = wishes(read_settings(["rungs=[{epoch = 1, keep = 16}, {epoch = 4, keep = 4}]"]))
    assert from_tree(merge(to_tree(MANY), told)).rungs == (Rung(1, 16), Rung(4, 4))


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ((Rung(4, 16), Rung(1, 4)), "Let epochs rise and keep fall"),
        ((Rung(1, 4), Rung(4, 4)), "Let epochs rise and keep fall"),
        ((Rung(1, 64),), "rungs keep 64 of 64 members, so that none ends. Choose keep < 64"),
        ((Rung(1, 16), Rung(20, 4)), "after epoch 20 comes too late for a training of 20 epochs"),
        ((Rung(1, 1, "stacked"),), "is for several members, and keep = 1"),
    ],
)
def test_what_cannot_be_is_refused(rungs: tuple[Rung, ...], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        replace(MANY, rungs=rungs)


@pytest.mark.parametrize(
    ("tree", "message"), [({"epoch": 0, "keep": 2}, "epoch = 0 is outside"), ({"epoch": 1}, "lacks keep")]
)
def test_a_slip_is_named_by_its_setting(tree: dict[str, int], message: str) -> None:
    with pytest.raises(PlanError, match=f"rungs.*{message}"):
        from_tree({**to_tree(MANY), "rungs": [tree]})


def test_plans_without_epochs_in_common_refuse_them() -> None:
    rungs = (Rung(1, 2),)
    with pytest.raises(PlanError, match="there is one member"):
        replace(PLAN, rungs=rungs)
    with pytest.raises(PlanError, match="Independent combines all members"):
        replace(MANY, rungs=rungs, ensemble=Independent())
    with pytest.raises(PlanError, match="members of a minimizer"):
        replace(MANY, rungs=rungs, optimizer=LBFGS(), schedule=None, batch_size=None)
    with pytest.raises(PlanError, match="the loss of a head is convex"):
        Plan(Backbone(), "head", PLAN.picture, PLAN.split, LBFGS(), head=HeadChoices(), rungs=rungs)
    assert replace(MANY, rungs=rungs, ensemble=SWA()).rungs == rungs


def test_low_precision_has_one_execution() -> None:
    with pytest.raises(PlanError, match="execution = 'stacked' has full precision alone"):
        replace(MANY, precision="bfloat16", rungs=(Rung(1, 2, "stacked"),))


@given(st.lists(st.integers(1, 30), max_size=4, unique=True).map(sorted), st.integers(31, 60))
def test_the_epochs_of_all_are_those_of_each_together(at: list[int], epochs: int) -> None:
    rungs = [Rung(epoch, 20 - place) for place, epoch in enumerate(at)]
    check_rungs(rungs, epochs, 64)
    living = [64, *(rung.keep for rung in rungs)]
    ends = [0, *at, epochs]
    assert epochs_of_all(rungs, epochs, 64) == sum(
        number * (ends[place + 1] - ends[place]) for place, number in enumerate(living)
    )
