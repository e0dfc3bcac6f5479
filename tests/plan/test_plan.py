"""Which choices a plan refuses to hold together."""

import dataclasses

import pytest

from ravine.base.errors import PlanError
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices
from ravine.ensemble.independent import Independent
from ravine.ensemble.test_time import Views
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.sgd import SGD
from ravine.plan.members import of_members
from ravine.plan.plan import HeadChoices, Plan
from ravine.regularize.class_balance import ClassBalance
from ravine.regularize.dropout import Dropout
from ravine.schedules.constant import Constant

SCRATCH = Plan(
    MLP(), "scratch", Preprocess(8, 1), SplitChoices(), SGD(), Constant(), penalty=(), epochs=1, batch_size=2
)
HEAD = Plan(Backbone(), "head", Preprocess(224, 3), SplitChoices(), LBFGS(), head=HeadChoices())


@pytest.mark.parametrize(
    ("plan", "change", "message"),
    [
        (SCRATCH, {"epochs": None, "penalty": None}, "transfer=scratch needs penalty, epochs"),
        (SCRATCH, {"head": HeadChoices()}, "head has no effect with transfer=scratch"),
        (SCRATCH, {"members": 0}, r"Plan.members = 0 is outside its range"),
        (SCRATCH, {"device": "tpu"}, "Plan.device = 'tpu' is not allowed. Choose one of 'cpu', 'cuda'"),
        (HEAD, {"model": MLP()}, "transfer=head needs a pretrained body"),
        (HEAD, {"optimizer": SGD()}, "its optimizer is a minimizer such as lbfgs"),
        (HEAD, {"members": 2}, "would give the same head each time"),
        (HEAD, {"epochs": 3}, "epochs has no effect with transfer=head"),
        (HEAD, {"compiled": True}, "compiled has no effect with transfer=head"),
        (HEAD, {"techniques": (ClassBalance("sampling"),)}, "Choose class_balance=weights"),
        (HEAD, {"techniques": (Dropout(),)}, "Dropout acts on the steps of an update rule"),
        (HEAD, {"ensemble": Views()}, "ensemble has no effect with transfer=head"),
        (SCRATCH, {"ensemble": Independent()}, "Independent combines members, and there is one. Set members=5"),
    ],
)
def test_contradictions_are_errors(plan: Plan, change: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        dataclasses.replace(plan, **change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"members": 1}, "there is one member"),
        ({"optimizer": LBFGS(), "schedule": None, "batch_size": None}, "looks at all pictures at once"),
        ({"techniques": (ClassBalance("sampling"),)}, "draws an order for each member"),
    ],
)
def test_an_order_in_common_must_have_an_effect(change: dict[str, object], reason: str) -> None:
    with pytest.raises(PlanError, match=f"same_order has no effect: .*{reason}"):
        dataclasses.replace(SCRATCH, **{"members": 3, "same_order": True, **change})


def test_a_head_needs_a_penalty_to_choose() -> None:
    with pytest.raises(PlanError, match=r"head.l2 is empty. Give at least one penalty above 0"):
        HeadChoices(l2=())
    with pytest.raises(PlanError, match=r"HeadChoices.l2 = 0.0 is outside its range"):
        HeadChoices(l2=(0.1, 0.0))


def test_a_member_has_its_own_values_also_within_a_part() -> None:
    from ravine.optim.sam import SAM

    rule = SAM(base=SGD(lr=(0.1, 0.2)), rho=0.5)
    assert of_members(rule, [1]) == SAM(base=SGD(lr=0.2), rho=0.5)
