"""The one table of names: what a plan may say, and the part that it means."""

import re
from typing import Any

from ravine.base.errors import PlanError, unknown
from ravine.interfaces import Part, Penalty, Rule, Schedule
from ravine.models.architecture import Architecture
from ravine.models.backbone import PACKAGED, Backbone
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.optim.adam import Adam
from ravine.optim.momentum import Momentum
from ravine.optim.nesterov import Nesterov
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.minimizer import Minimizer
from ravine.optim.sgd import SGD
from ravine.penalties.l2 import L2
from ravine.schedules.constant import Constant
from ravine.schedules.cosine import Cosine
from ravine.schedules.one_cycle import OneCycle

PARTS: dict[str, tuple[type[Part], ...]] = {
    "optimizer": (SGD, Momentum, Nesterov, Adam, LBFGS),
    "schedule": (Constant, Cosine, OneCycle),
    "penalty": (L2,),
    "model": (MLP, SmallCNN, Backbone),
}

BASES: dict[type[Part], str] = {
    Rule: "optimizer",
    Minimizer: "optimizer",
    Schedule: "schedule",
    Penalty: "penalty",
    Architecture: "model",
}


def kind_of(cls: type) -> str | None:
    """Which kind of part a class is, or None where plans do not name it."""
    return next((kind for base, kind in BASES.items() if issubclass(cls, base)), None)


def name_of(part: type[Part] | Part) -> str:
    """The name of a part in plans: its class's name in snake case.

    Example:
        >>> name_of(OneCycle), name_of(SGD), name_of(SmallCNN)
        ('one_cycle', 'sgd', 'small_cnn')
    """
    cls = part if isinstance(part, type) else type(part)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][A-Za-z])", "_", cls.__name__).lower()


def table(kind: str) -> dict[str, type[Part]]:
    """The names of one kind of part."""
    return {name_of(cls): cls for cls in PARTS[kind]}


def find(kind: str, name: str) -> type[Part]:
    """The part of a kind that a name means.

    Raises:
        PlanError: There is no such name; the message offers the nearest.
    """
    known = table(kind)
    if name not in known:
        raise PlanError(unknown(kind, name, known))
    return known[name]


def parse_word(kind: str, word: str) -> dict[str, Any]:
    """Read the short form of a part: a name, or ``timm:NAME[@weights]`` for a model.

    Example:
        >>> parse_word("optimizer", "adam")
        {'name': 'adam'}
        >>> parse_word("model", "timm:resnet18@/weights/r18.pth")
        {'name': 'backbone', 'timm': 'resnet18', 'weights': '/weights/r18.pth'}
    """
    if kind == "model" and word.startswith("timm:"):
        timm_name, _, weights = word.removeprefix("timm:").partition("@")
        return {"name": "backbone", "timm": timm_name, "weights": weights or "packaged"}
    if kind == "model" and word == "backbone":
        return {"name": "backbone", "timm": PACKAGED, "weights": "packaged"}
    return {"name": word}
