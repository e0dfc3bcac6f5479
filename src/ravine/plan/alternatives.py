"""The plans that transfer=auto decides between: one for each way to transfer, with the same test pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from ravine.augment.augmentation import Augmentation
from ravine.augment.cutmix import CutMix
from ravine.augment.mixup import Mixup
from ravine.base.errors import PlanError, RangeError, unknown
from ravine.interfaces import Part
from ravine.moments import Technique
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.catalog import find, table
from ravine.plan.facts import Facts, Reason
from ravine.plan.plan import FROZEN, UNFROZEN, Plan
from ravine.plan.presets import propose
from ravine.plan.toml import Tree
from ravine.regularize.class_balance import ClassBalance
from ravine.regularize.dropout import Dropout

WAYS = (*FROZEN, *UNFROZEN, "scratch")
"""From the least unfrozen to the most."""

OF_STEPS = {"schedule", "penalty", "epochs", "batch_size", "members", "same_order", "rungs", "ensemble"}
OF_PASSES = {"precision", "compiled", "execution", "graph"}
"""Settings of training in steps, and of how these are carried out, which a head on a frozen body has none of."""

OF_HEADS = {"views": FROZEN, "depths": ("depth",)}
"""Settings of a head that only some ways have."""


@dataclass(frozen=True)
class Alternative:
    """One way to transfer: its name, its plan, and the reasons of the plan."""

    name: str
    plan: Plan
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Alternatives:
    """Every way to transfer.

    Attributes:
        possible: Those that have a plan, from the least unfrozen to the most.
        refused: Why the others have none, by name.
    """

    possible: tuple[Alternative, ...]
    refused: Mapping[str, str]

    def of(self, name: str) -> Alternative:
        """The alternative of a name."""
        return next(one for one in self.possible if one.name == name)


def alternatives(facts: Facts, wishes: Mapping[str, Any]) -> Alternatives:
    """Make a plan for each way to transfer.

    A wish goes to the ways that have such a setting: the penalties of heads to heads, epochs and augmentations to those
    that take steps and see pictures anew. The network that is trained from scratch is the small one of the presets,
    since the wish for a model is one for a pretrained body. What a way has but cannot be as wished refuses this way; a
    value that the setting may never have is an error.

    Args:
        facts: The pictures and the machine.
        wishes: What the user has set, as nested dictionaries, with transfer=auto.

    Raises:
        PlanError: The wishes are for another kind of training, or are refused by every way that has a pretrained body.
    """
    check_decidable(wishes)
    facts = replace(facts, mirror=cache(facts.mirror))
    possible, refused = [], {}
    for name in WAYS:
        try:
            possible.append(_alternative(name, facts, wishes))
        except RangeError:
            raise
        except PlanError as wrong:
            refused[name] = str(wrong)
    if not any(one.name != "scratch" for one in possible):
        raise PlanError(refusals(refused))
    _check_optimizer(wishes, possible)
    return Alternatives(tuple(possible), refused)


def refusals(refused: Mapping[str, str]) -> str:
    """Every reason once, with the ways that it refuses where there are several."""
    ways: dict[str, list[str]] = {}
    for name, why in refused.items():
        ways.setdefault(why, []).append(name)
    return next(iter(ways)) if len(ways) == 1 else " ".join(f"{', '.join(ways[why])}: {why}" for why in ways)


def check_decidable(wishes: Mapping[str, Any]) -> None:
    """Refuse what leaves nothing to decide; without a look at the pictures.

    Args:
        wishes: What the user has set.

    Raises:
        PlanError: The wishes are for a network without a body, for a plan that is decided, or for different tests.
    """
    model = wishes.get("model", {}).get("name", "backbone")
    if model != "backbone":
        raise PlanError(
            f"transfer=auto decides how much of a pretrained body to train, and model={model} has none. Choose "
            "model=timm:NAME, or transfer=scratch."
        )
    if all(name in wishes for name in ("model", "picture", "split", "optimizer")):
        raise PlanError(
            "A plan of an earlier run has its transfer decided, and transfer=auto decides anew. Leave out one of them."
        )
    if wishes.get("split", {}).get("nested") is False:
        raise PlanError(
            "transfer=auto compares plans with and without validation pictures on the same test pictures, which needs "
            "split.nested=true. Leave split.nested out."
        )


def _alternative(name: str, facts: Facts, wishes: Mapping[str, Any]) -> Alternative:
    own: Tree = {key: value for key, value in wishes.items() if _concerns(name, key, wishes)}
    if "head" in own:
        own["head"] = {key: value for key, value in own["head"].items() if name in OF_HEADS.get(key, WAYS)}
    own["transfer"] = name
    wish = own.pop("optimizer", None)
    plan, reasons = propose(facts, own)
    wish = wish and _optimizer(wish, plan.optimizer)
    if wish:
        plan, reasons = propose(facts, own | {"optimizer": wish})
    return Alternative(name, replace(plan, split=replace(plan.split, nested=True)), tuple(reasons))


def _concerns(name: str, setting: str, wishes: Mapping[str, Any]) -> bool:
    """Whether a way to transfer has such a setting."""
    if setting in ("model", "head"):
        return name != "scratch"
    if setting == "tuning":
        return name in UNFROZEN
    if setting == "allow_minibatch":
        return name == "scratch"
    if setting in OF_STEPS | OF_PASSES:
        return name not in FROZEN
    if setting in table("technique"):
        return _concerns_technique(name, find("technique", setting), wishes.get("head", {}).get("views", 1))
    return True


def _concerns_technique(name: str, technique: type[Part], views: int) -> bool:
    if issubclass(technique, ClassBalance):
        return True
    if issubclass(technique, Augmentation):
        return name in ("all", "scratch") or (name in FROZEN and views > 1)
    if issubclass(technique, Mixup | CutMix):
        return name in ("all", "scratch")
    replaces_layers = issubclass(technique, Technique) and technique.install is not Technique.install
    return name == "scratch" or (name in UNFROZEN and (not replaces_layers or issubclass(technique, Dropout)))


def _optimizer(wish: Mapping[str, Any], usual: Part) -> Mapping[str, Any] | None:
    """What of a wish for an optimizer a way can have whose usual one this is."""
    if "name" in wish:
        alike = issubclass(find("optimizer", wish["name"]), Minimizer) == isinstance(usual, Minimizer)
        return wish if alike else None
    return {key: value for key, value in wish.items() if key in _settings(usual)} or None


def _check_optimizer(wishes: Mapping[str, Any], possible: list[Alternative]) -> None:
    """Refuse a setting that the optimizer of no way has."""
    wish = wishes.get("optimizer", {})
    known = {f"optimizer.{name}" for one in possible for name in _settings(one.plan.optimizer)}
    for key in wish:
        if "name" not in wish and f"optimizer.{key}" not in known:
            raise PlanError(unknown("setting", f"optimizer.{key}", known))


def _settings(part: Part) -> set[str]:
    return {field.name for field in fields(part)}
