"""From facts about the pictures to a plan, with a reason for every choice."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from math import ceil, sqrt
from typing import Any

from ravine.base.errors import PlanError
from ravine.data.mirror import not_measured
from ravine.models.backbone import Backbone
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.augmentation import augmentation, view_augmentation
from ravine.plan.catalog import find, table
from ravine.plan.companions import companions
from ravine.plan.facts import Facts, Reason
from ravine.plan.plan import FROZEN, UNFROZEN, Plan
from ravine.plan.toml import Tree, from_tree, merge, read_part
from ravine.plan.tuning import tuned

SMALL_PIXELS = 64
"""Up to this size a network trained on the pictures alone is affordable and competitive."""

PASSES = 200
"""Evaluations of a full-batch minimizer, unless said otherwise."""

SPELT_OUT = 5
"""Up to so many values, one a member, a reason gives each."""

LARGE = 20_000
"""From this many pictures on, a refit on all of them changes little and doubles the time."""


def propose(facts: Facts, wishes: Mapping[str, Any]) -> tuple[Plan, list[Reason]]:
    """Make a plan.

    Args:
        facts: The pictures and the machine.
        wishes: What the user has set, as nested dictionaries; it goes before any preset.

    Returns:
        The plan, and a reason for each choice.

    Raises:
        PlanError: A wish is unknown, out of range, or can have no effect.
    """
    tree, reasons = _photos(facts, wishes) if _uses_backbone(facts, wishes) else _small(facts)
    if wishes.get("transfer") in UNFROZEN:
        known = replace(facts, mirror=not_measured) if "flip" in wishes or _whole(wishes) else facts
        tuned(tree, reasons, known, wishes["transfer"])
    tree |= {"device": facts.device, "threads": facts.cores}
    if tree["transfer"] == "scratch" and _wishes_minimizer(wishes):
        _full_batch(tree, reasons, wishes)
    if tree["transfer"] not in FROZEN and not _whole(wishes):
        _accompany(tree, reasons, wishes)
    if tree["transfer"] == "scratch" and not _whole(wishes):
        _augment(tree, reasons, facts, wishes)
    plan = from_tree(merge(tree, wishes))
    reasons += [Reason(name, "", "") for name in _unexplained(reasons, wishes)]
    return plan, [_wished(reason, wishes) for reason in reasons]


def _unexplained(reasons: list[Reason], wishes: Mapping[str, Any]) -> list[str]:
    """What the user has set beside the choices that are explained anyway; of an earlier plan only those."""
    known = {reason.name for reason in reasons} | {"seed", "device", "threads"}
    return [] if _whole(wishes) else [name for name in wishes if name not in known]


def _whole(wishes: Mapping[str, Any]) -> bool:
    """Whether the wishes are a plan, such as that of an earlier run: what it leaves out is meant to be left out."""
    return all(field.name in wishes for field in fields(Plan) if field.default is MISSING)


def _accompany(tree: Tree, reasons: list[Reason], wishes: Mapping[str, Any]) -> None:
    """What suits an ensemble that the user has set."""
    for key, (choice, reason) in companions(wishes).items():
        tree[key] = choice
        reasons[:] = [*(other for other in reasons if other.name != key), reason]


def _augment(tree: Tree, reasons: list[Reason], facts: Facts, wishes: Mapping[str, Any]) -> None:
    """Other pictures each epoch, for update rules; all pictures pass a minimizer at once, and unchanged."""
    plan = from_tree(merge(dict(tree), wishes))
    if not isinstance(plan.optimizer, Minimizer):
        known = replace(facts, mirror=not_measured) if "flip" in wishes else facts
        techniques, why = augmentation(known, plan.model, plan.picture.size, plan.epochs or 0)
        tree |= techniques
        reasons += why


def _wishes_minimizer(wishes: Mapping[str, Any]) -> bool:
    name = wishes.get("optimizer", {}).get("name")
    return name is not None and issubclass(find("optimizer", name), Minimizer)


def _full_batch(tree: Tree, reasons: list[Reason], wishes: Mapping[str, Any]) -> None:
    """What a minimizer needs instead of steps on mini-batches."""
    del tree["schedule"]
    if not wishes.get("allow_minibatch"):
        del tree["batch_size"]
    tree["epochs"] = PASSES
    gone = {"schedule", "epochs"} | ({"batch_size"} - tree.keys())
    reasons[:] = [reason for reason in reasons if reason.name not in gone]
    reasons.append(
        Reason("epochs", f"at most {PASSES}", "A minimizer takes a pass over all pictures for each evaluation.")
    )


def _wished(reason: Reason, wishes: Mapping[str, Any]) -> Reason:
    if reason.name not in wishes:
        return reason
    words = _words(wishes[reason.name])
    if reason.name in table("technique"):
        words = "off" if wishes[reason.name] is False else " ".join(["on", words]).strip()
    return Reason(reason.name, words, "You set it.")


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(str(entry) if key == "name" else f"{key} {_words(entry)}" for key, entry in value.items())
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "; ".join(map(_words, value))
    if isinstance(value, list) and len(value) > SPELT_OUT and all(isinstance(one, int | float) for one in value):
        return f"{len(value)} values from {min(value):g} to {max(value):g}"
    return str(value)


def _uses_backbone(facts: Facts, wishes: Mapping[str, Any]) -> bool:
    model = wishes.get("model", {}).get("name")
    if "transfer" in wishes:
        return wishes["transfer"] in (*FROZEN, *UNFROZEN)
    if model:
        return model == "backbone"
    return facts.median_side > SMALL_PIXELS


def _photos(facts: Facts, wishes: Mapping[str, Any]) -> tuple[Tree, list[Reason]]:
    body = read_part("model", {"name": "backbone", **wishes.get("model", {})}, "model")
    if not isinstance(body, Backbone):
        asked = wishes.get("transfer", "head")
        raise PlanError(f"transfer={asked} needs a pretrained body. Choose model=timm:NAME, or transfer=scratch.")
    size, mean, std = body.picture(wishes.get("picture", {}).get("size"))
    transfer, head = (_depth_reasons if wishes.get("transfer") == "depth" else _head_reasons)()
    tree: Tree = {
        "model": {"name": "backbone"},
        "transfer": transfer.value,
        "picture": {"size": size, "channels": 3, "fit": "squash", "mean": list(mean), "std": list(std)},
        "split": {"validation": 0.0},
        "optimizer": {"name": "lbfgs"},
        "head": {},
    }
    reasons = [
        Reason("model", f"timm:{body.timm}", _why_backbone(facts)),
        transfer,
        Reason(
            "picture",
            f"{size} × {size}",
            "The size that the body was trained with; pictures are stretched to it, so that nothing is cut off.",
        ),
        Reason(
            "split", "test 20 %", "No fixed validation pictures: each picture is held out once, in one of the folds."
        ),
        Reason("optimizer", "lbfgs", "The loss of the linear layer is convex; L-BFGS finds its one minimum."),
        head,
        Reason("refit", "yes", "The choice is made; all pictures but the test pictures go into the final fit."),
    ]
    if wishes.get("head", {}).get("views", 1) > 1 and not _whole(wishes):
        techniques, why = view_augmentation(replace(facts, mirror=not_measured) if "flip" in wishes else facts)
        tree |= techniques
        reasons += why
    return tree, reasons


def _head_reasons() -> tuple[Reason, Reason]:
    return (
        Reason("transfer", "head", "The body stays as it was trained; only a linear layer on its features is fitted."),
        Reason(
            "head",
            "up to 8 penalties, 5 folds",
            "The strength of the L2 penalty is chosen by pictures that were not fitted.",
        ),
    )


def _depth_reasons() -> tuple[Reason, Reason]:
    return (
        Reason(
            "transfer",
            "depth",
            "The body stays as it was trained; a linear layer reads the features of one of its depths, or of all of "
            "them side by side, since pictures unlike those of ImageNet are often told apart best before its end.",
        ),
        Reason(
            "head",
            "3 choices of depths, up to 8 penalties, 5 folds",
            "The last depth, the best of those before it, and all together; depth and strength of the L2 penalty are "
            "chosen by pictures that were not fitted.",
        ),
    )


def _why_backbone(facts: Facts) -> str:
    return (
        f"The median picture has {facts.median_side} pixels along its longer side: features learned from ImageNet say "
        "more about such pictures than a network could learn from them alone."
    )


def _small(facts: Facts) -> tuple[Tree, list[Reason]]:
    size = max(8, min(SMALL_PIXELS, facts.median_side))
    batch_size = 32 if facts.pictures < LARGE else 128
    epochs, rate, strength = _epochs(facts.pictures, batch_size), _rate(batch_size), _strength(facts.pictures)
    refit = facts.pictures <= LARGE
    tree: Tree = {
        "model": {"name": "small_cnn"},
        "transfer": "scratch",
        "picture": {"size": size, "channels": 1 if facts.grey else 3, "mean": [0.5], "std": [0.25]},
        "split": {} if refit else {"validation": 0.1},
        "optimizer": {"name": "nesterov", "lr": rate, "momentum": 0.9},
        "schedule": {"name": "one_cycle", "rise": 0.2},
        "penalty": [{"name": "l2", "strength": strength}],
        "epochs": epochs,
        "batch_size": batch_size,
        "refit": refit,
    }
    return tree, [
        Reason("model", "small_cnn", f"Pictures of {size} pixels are small enough to train a network on them alone."),
        Reason("transfer", "scratch", "No body is pretrained on pictures of this size; every parameter is trained."),
        Reason("picture", f"{size} × {size}, {'grey' if facts.grey else 'colour'}", _why_size(facts)),
        Reason("optimizer", f"nesterov, lr {rate:g}", "With one cycle of the rate it is fast and needs little tuning."),
        Reason("schedule", "one_cycle", "The rate rises and falls once, so that training is good when it ends."),
        Reason(
            "penalty", f"l2, {strength:g}", "Small weights generalize better; the fewer the pictures, the stronger."
        ),
        Reason("epochs", str(epochs), f"As many steps as {facts.pictures:,} pictures were seen to repay."),
        Reason("batch_size", str(batch_size), "Small batches take more steps, which few pictures need."),
        Reason("refit", "yes" if refit else "no", _why_refit(facts, refit)),
    ]


def _epochs(pictures: int, batch_size: int) -> int:
    """About 1,250 steps for 2,000 pictures, and twice as many for each sixteenfold of them."""
    steps = 1_250 * (pictures / 2_000) ** 0.25
    return max(4, min(60, ceil(steps * batch_size / pictures)))


def _rate(batch_size: int) -> float:
    """0.05 for batches of 32; with the root of the batch size, as the noise of the gradient falls."""
    return 0.05 * sqrt(batch_size / 32)


def _strength(pictures: int) -> float:
    """20 for the sum of the losses of all pictures, whatever their number: a prior does not grow with the data."""
    return float(f"{min(0.01, 20 / pictures):.1e}")


def _why_size(facts: Facts) -> str:
    same = "All pictures have this size." if facts.same_size else "The median of the longer sides, at most 64."
    return same + (" All are grey, so one channel says everything." if facts.grey else "")


def _why_refit(facts: Facts, refit: bool) -> str:
    if refit:
        return "The choices are made; the same training on training and validation pictures together uses all there is."
    return f"With {facts.pictures:,} pictures, the validation pictures would add little, and take as long again."
