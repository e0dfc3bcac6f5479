"""Plans that train stages of a pretrained body: what they refuse, and what is proposed."""

import dataclasses

import pytest

from ravine.augment.flip import Flip
from ravine.augment.mixup import Mixup
from ravine.base.errors import PlanError
from ravine.data.mirror import Mirror
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices
from ravine.ensemble.test_time import Views
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.optim.adamw import AdamW
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.facts import Facts
from ravine.plan.head import HeadChoices
from ravine.plan.plan import UNFROZEN, Plan, TuningChoices
from ravine.plan.presets import propose
from ravine.plan.toml import dumps, loads, parse, wishes
from ravine.regularize.batch_norm import BatchNorm
from ravine.regularize.dropout import Dropout
from ravine.regularize.stochastic_depth import StochasticDepth
from ravine.schedules.constant import Constant

PLAN = Plan(
    Backbone(),
    "last1",
    Preprocess(96, 3),
    SplitChoices(validation=0.0),
    AdamW(),
    Constant(),
    penalty=(),
    epochs=2,
    batch_size=8,
    head=HeadChoices(),
    tuning=TuningChoices(),
)
PHOTOS = Facts(257, 9, 300, False, False, 2, "cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": MLP()}, "transfer=last1 needs a pretrained body"),
        ({"optimizer": LBFGS()}, "its optimizer is an update rule"),
        ({"tuning": None, "head": None}, "transfer=last1 needs head, tuning"),
        ({"head": HeadChoices(views=2)}, "head.views has no effect with transfer=last1"),
        ({"techniques": (Flip(),)}, "Flip changes pictures, and with transfer=last1 what the frozen stages say"),
        ({"techniques": (Mixup(),)}, "Leave it out, or choose transfer=all"),
        ({"techniques": (BatchNorm(),)}, "BatchNorm replaces layers of a network"),
        ({"techniques": (StochasticDepth(),), "transfer": "all"}, "StochasticDepth replaces layers of a network"),
        ({"ensemble": Views()}, "ensemble = test_time asks about several views of a picture"),
        ({"optimizer": ScheduleFree()}, "ScheduleFree ties the weights that it trains to an average"),
    ],
)
def test_what_has_no_effect_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        dataclasses.replace(PLAN, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"techniques": (Flip(), Mixup()), "transfer": "all"},
        {"ensemble": Views(), "transfer": "all"},
        {"optimizer": ScheduleFree(), "tuning": TuningChoices(decay=1.0)},
        {"techniques": (Dropout(),)},
    ],
)
def test_what_acts_may_stay(change: dict[str, object]) -> None:
    assert dataclasses.replace(PLAN, **change) != PLAN


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_rates_fall_with_depth(decay: float) -> None:
    with pytest.raises(PlanError, match=r"TuningChoices.decay = .* is outside its range"):
        TuningChoices(decay=decay)


@pytest.mark.parametrize("transfer", UNFROZEN)
def test_its_name_alone_makes_a_plan_that_is_written_and_repeated(transfer: str) -> None:
    plan, reasons = propose(PHOTOS, wishes({"transfer": transfer, "picture.size": 96}))
    assert (plan.transfer, plan.picture.size, plan.split.validation, plan.split.nested) == (transfer, 96, 0.0, True)
    assert loads(dumps(plan)) == plan
    assert propose(PHOTOS, wishes(parse(dumps(plan), "plan")))[0] == plan
    names = [reason.name for reason in reasons]
    assert len(names) == len(set(names))
    assert {"transfer", "optimizer", "schedule", "epochs", "batch_size", "tuning", "head"} <= set(names)


def test_pictures_are_mirrored_only_where_they_are_seen_anew() -> None:
    facts = dataclasses.replace(PHOTOS, mirror=lambda: Mirror(safe=True, why="They look alike."))
    flipped = {name: bool(propose(facts, wishes({"transfer": name}))[0].techniques) for name in UNFROZEN}
    assert flipped == {"last1": False, "last2": False, "all": True}
    plan, _ = propose(facts, wishes({"transfer": "all", "flip": False}))
    assert plan.techniques == ()
    assert propose(facts, wishes(parse(dumps(plan), "plan")))[0] == plan


def test_a_body_is_needed() -> None:
    with pytest.raises(PlanError, match="transfer=last2 needs a pretrained body"):
        propose(PHOTOS, wishes({"transfer": "last2", "model": "mlp"}))
