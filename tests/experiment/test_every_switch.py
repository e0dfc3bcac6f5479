"""Every part that a plan can name, and every setting of it, changes what comes out, or is refused with a reason."""

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import torch

from ravine.base.errors import PlanError
from ravine.base.ranges import Range
from ravine.data.pack import Pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, SplitChoices
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.independent import Independent
from ravine.ensemble.selection import Selection
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.interfaces import Part, Rule
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.moments import Technique
from ravine.optim.momentum import Momentum
from ravine.optim.second_order.minimizer import Minimizer
from ravine.penalties.l2 import L2
from ravine.plan.catalog import PARTS, kind_of, name_of
from ravine.plan.plan import Plan
from ravine.schedules.cosine_restarts import CosineRestarts
from ravine.train.evaluate import logits, packed

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], [30, 18, 12])[RNG.permutation(60)]
IMAGES = np.clip(RNG.normal(100 + 25 * LABELS[:, None, None, None], 60, (60, 10, 10, 3)), 0, 255).astype(np.uint8)
PACK = Pack(IMAGES, LABELS, False, 0.0, None)
SPLIT = Split(np.arange(40), np.arange(40, 60), np.arange(0), "drawn", 0)
PLAN = Plan(
    model=SmallCNN(width=3, depth=2),
    transfer="scratch",
    picture=Preprocess(size=10, channels=3),
    split=SplitChoices(),
    optimizer=Momentum(lr=0.02),
    schedule=CosineRestarts(first=1 / 3),
    penalty=(L2(1e-3),),
    epochs=6,
    batch_size=10,
    members=3,
    refit=False,
    compiled=False,
    execution="looped",
    graph="eager",
)
NETWORKS = {
    "batch_norm": MLP(width=6, depth=2),
    "dropconnect": MLP(width=6, depth=2),
    "stochastic_depth": Residual(width=3, blocks=1),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "flip": {"mode": "random"},
    "crop": {"border": "constant", "value": 40.0},
    "cutout": {"fill": "constant", "value": 40.0},
    "max_norm": {"limit": 0.3},
    "scale": {"border": "constant"},
    "rotate": {"border": "constant"},
    "lion": {"weight_decay": 0.1},
    "schedule_free": {"weight_decay": 0.1},
    "early_stopping": {"patience": 1},
    "fractional_pool": {"passes": 2},
    "dropconnect": {"test": "montecarlo", "samples": 2},
    "monte_carlo": {"passes": 2},
    "selection": {"rounds": 2, "bags": 3},
    "soup": {"kind": "uniform", "of": "epochs"},
    "test_time": {"mirror": True},
    "ema": {"decay": 0.9},
}
"""Settings beside which all others of a part have an effect."""
SAME = {("selection", "share"), ("selection", "rounds"), ("selection", "bags"), ("soup", "kind"), ("backbone", "timm")}
"""Settings that may leave these few members alone, or cannot be tried without a file; tested on their own."""


@cache
def outcome(plan: Plan) -> np.ndarray:
    """What a training leaves: its record, and what it answers to all pictures."""
    fitted = Scratch(plan, PACK, SPLIT, ("a", "b", "c")).fit(Stages())
    said = logits(fitted.network, packed(torch.from_numpy(IMAGES), np.arange(60), plan.picture))
    return np.concatenate([[epoch.train_loss for epoch in fitted.history], said.flatten()])


def other_values(hint: Any, value: Any) -> Iterator[Any]:
    """Values of a field that are not the present one."""
    if get_origin(hint) is Annotated:
        allowed = next((extra for extra in get_args(hint) if isinstance(extra, Range)), Range(0, 1))
        for trial in (0.37, 0.9, 2, 3, 1, 7):
            whole = get_args(hint)[0] is int
            if trial in allowed and trial != value and (not whole or isinstance(trial, int)):
                yield trial if whole else float(trial)
                return
    elif get_origin(hint) is Literal:
        yield from (word for word in get_args(hint) if word != value)
    elif get_origin(hint) in (Union, UnionType):
        yield from other_values(next(entry for entry in get_args(hint) if entry is not type(None)), value)
    elif hint is bool:
        yield not value


def placed(part: Part) -> Plan:
    """A plan with this part in it."""
    name = name_of(part)
    plan = replace(PLAN, model=NETWORKS.get(name, PLAN.model))
    kind = kind_of(type(part))
    if kind == "technique":
        rate = 0.1 if name == "early_stopping" else 0.02
        return replace(plan, techniques=(part,), optimizer=Momentum(lr=rate))
    if kind == "ensemble":
        return replace(plan, ensemble=part, techniques=DROPOUT if name == "monte_carlo" else ())
    if kind == "penalty":
        return replace(plan, penalty=(part,))
    if isinstance(part, Minimizer):
        full = {"schedule": None, "batch_size": None, "compiled": None, "execution": None, "graph": None, "epochs": 12}
        return replace(plan, model=MLP(width=1, depth=1), optimizer=part, members=1, **full)
    return replace(plan, **{kind: part})


DROPOUT = (next(cls for cls in PARTS["technique"] if name_of(cls) == "dropout")(),)
EVERY = [cls for kind in PARTS.values() for cls in kind if cls is not Backbone]


def cases() -> Iterator[Any]:
    """Each part with its usual settings, and with one of them changed."""
    for cls in EVERY:
        name = name_of(cls)
        part = cls(**SETTINGS.get(name, {}))
        yield pytest.param(None, part, id=name)
        hints = get_type_hints(cls, include_extras=True)
        for field in dataclasses.fields(cls):
            if (name, field.name) in SAME or issubclass(cls, Minimizer):
                continue
            for value in other_values(hints[field.name], getattr(part, field.name)):
                yield pytest.param(part, {field.name: value}, id=f"{name}.{field.name}={value}")


@pytest.mark.parametrize(("before", "change"), list(cases()))
def test_it_changes_what_comes_out_or_is_refused(before: Part | None, change: Any) -> None:
    try:
        changed = placed(change) if before is None else placed(replace(before, **change))
        usual = without(change) if before is None else placed(before)
        if usual == changed:
            return
        one, other = outcome(usual), outcome(changed)
    except PlanError as refused:
        assert len(str(refused)) > 40
        return
    assert one.shape != other.shape or not np.array_equal(one, other)


def without(part: Part) -> Plan:
    """The plan of `placed` with another part in its place, or with none."""
    plan = placed(part)
    if isinstance(part, Technique):
        return replace(plan, techniques=())
    if isinstance(part, Ensemble):
        return replace(plan, ensemble=Independent() if isinstance(part, Selection) else None)
    if isinstance(part, Minimizer):
        return replace(plan, epochs=1)
    if isinstance(part, Rule):
        return replace(plan, optimizer=Momentum(lr=0.017))
    kind = kind_of(type(part))
    others = {"penalty": (), "model": MLP(width=5, depth=1), "schedule": CosineRestarts(first=0.25)}
    return replace(plan, **{kind: others[kind]})
