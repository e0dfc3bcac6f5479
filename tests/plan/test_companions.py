"""What goes with an ensemble."""

import dataclasses
from typing import Any

import pytest
import torch

from ravine.base.errors import PlanError
from ravine.ensemble.collector import Course
from ravine.ensemble.ensemble import Ensemble
from ravine.interfaces import Schedule
from ravine.plan.companions import MEMBERS, companions
from ravine.plan.facts import Facts
from ravine.plan.presets import propose
from ravine.plan.toml import dumps, parse, read_settings, wishes
from ravine.schedules.cosine_restarts import CosineRestarts
from ravine.schedules.cyclic import Cyclic
from ravine.schedules.one_cycle import OneCycle
from ravine.schedules.warm_up_stable_decay import WarmUpStableDecay

FACTS = Facts(2_000, 10, 28, True, True, 2, "cpu")


def proposed(*settings: str) -> Any:
    return propose(FACTS, wishes(read_settings(settings)))[0]


@pytest.mark.parametrize(
    ("ensemble", "schedule", "members"),
    [
        ("snapshot", CosineRestarts(first=0.2), 1),
        ("swa", WarmUpStableDecay(decay=0.0), 1),
        ("polyak", WarmUpStableDecay(decay=0.0), 1),
        ("ema", OneCycle(rise=0.2), 1),
        ("independent", OneCycle(rise=0.2), MEMBERS),
        ("selection", OneCycle(rise=0.2), MEMBERS),
        ("soup", OneCycle(rise=0.2), MEMBERS),
        ("test_time", OneCycle(rise=0.2), 1),
        ("none", OneCycle(rise=0.2), 1),
    ],
)
def test_an_ensemble_by_its_name_alone_makes_a_plan(ensemble: str, schedule: Schedule, members: int) -> None:
    plan = proposed(f"ensemble={ensemble}")
    assert (plan.schedule, plan.members) == (schedule, members)


def test_a_soup_of_epochs_needs_one_member() -> None:
    assert proposed("ensemble=soup", "ensemble.of=epochs").members == 1


def test_five_snapshots() -> None:
    plan = proposed("ensemble=snapshot")
    collector = plan.ensemble.collector(Course(1, plan.epochs, 63, plan.schedule))
    assert len(collector.steps[0]) == 5
    assert collector.steps[0][-1] == 63 * plan.epochs


@pytest.mark.parametrize("ensemble", ["swa", "polyak"])
def test_the_rate_stays_high_where_weights_are_averaged(ensemble: str) -> None:
    plan = proposed(f"ensemble={ensemble}")
    t, total = torch.tensor([[20.0, 100.0, 199.0]]), torch.tensor([[200.0]])
    assert plan.schedule.factor(plan.schedule.columns(1), t, total).tolist() == [[1, 1, 1]]


def test_what_the_user_sets_stays() -> None:
    plan = proposed("ensemble=snapshot", "schedule=cyclic", "members=2")
    assert (type(plan.schedule), plan.members) == (Cyclic, 2)
    assert proposed("ensemble=independent", "members=3").members == 3


def test_a_field_of_the_schedule_is_a_wish_for_the_preset_schedule() -> None:
    assert proposed("ensemble=swa", "schedule.rise=0.5").schedule == OneCycle(rise=0.5)


@pytest.mark.parametrize(("ensemble", "names"), [("snapshot", ["schedule"]), ("selection", ["members"]), ("ema", [])])
def test_each_choice_has_one_reason(ensemble: str, names: list[str]) -> None:
    _, reasons = propose(FACTS, wishes({"ensemble": ensemble}))
    for name in names:
        (reason,) = (reason for reason in reasons if reason.name == name)
        assert reason.why.endswith(".")
        assert reason.why != "You set it."
    assert list(companions(wishes({"ensemble": ensemble}))) == names


def test_nothing_is_proposed_without_an_ensemble() -> None:
    assert companions({}) == companions({"ensemble": None}) == {}


def test_a_minimizer_has_members_but_no_schedule() -> None:
    plan = proposed("ensemble=independent", "optimizer=lbfgs")
    assert (plan.members, plan.schedule) == (MEMBERS, None)
    with pytest.raises(PlanError, match="a full-batch minimizer takes none"):
        proposed("ensemble=swa", "optimizer=lbfgs")


def test_the_plan_of_an_earlier_run_is_repeated() -> None:
    plan = proposed("ensemble=snapshot")
    assert isinstance(plan.ensemble, Ensemble)
    assert propose(FACTS, wishes(parse(dumps(plan), "plan.toml")))[0] == plan
    small = dataclasses.replace(FACTS, pictures=200)
    assert propose(small, wishes(parse(dumps(plan), "plan.toml")))[0] == plan
