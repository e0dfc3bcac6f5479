"""Which augmentations pictures have unless told otherwise, and why."""

from ravine.models.architecture import Architecture
from ravine.models.mlp import MLP
from ravine.plan.facts import Facts, Reason
from ravine.plan.toml import Tree

SHIFT = 0.04
"""Of a side: 1 pixel of 28, 3 of 64."""

PART = 0.7
"""Least share of the area of a view of a picture that is kept."""

EPOCHS = 11
"""From so many on, shifts paid; with 6 they cost accuracy."""

_FOR_CROP = "A small shift keeps the label, so that each epoch shows other pictures; larger ones need more epochs."


def augmentation(facts: Facts, model: Architecture, size: int, epochs: int) -> tuple[Tree, list[Reason]]:
    """Propose the augmentations that paid in `benchmarks/augmentations.py`.

    Args:
        facts: The pictures.
        model: The network.
        size: Their height and width as the network reads them.
        epochs: How often each is seen.

    Returns:
        Techniques for the plan, and a reason for each, on or off.
    """
    mirror = facts.mirror()
    tree: Tree = {"flip": {}} if mirror.safe else {}
    pixels = _count(round(SHIFT * size))
    against = _against_crop(model, size, epochs)
    if not against:
        tree["crop"] = {"share": SHIFT}
    return tree, [
        Reason("flip", "on" if mirror.safe else "off", mirror.why),
        Reason("crop", "off" if against else f"on, up to {pixels}", against or _FOR_CROP),
    ]


def view_augmentation(facts: Facts) -> tuple[Tree, list[Reason]]:
    """Propose what makes the views of a picture differ, where features of a frozen body are computed of several.

    Args:
        facts: The pictures.

    Returns:
        Techniques for the plan, and a reason for each, on or off.
    """
    mirror = facts.mirror()
    tree: Tree = {"resized_crop": {"smallest": PART}} | ({"flip": {}} if mirror.safe else {})
    return tree, [
        Reason("flip", "on" if mirror.safe else "off", mirror.why),
        Reason(
            "resized_crop", f"on, from {PART:.0%} of the area", "A large part of a picture shows what the whole does."
        ),
    ]


def _against_crop(model: Architecture, size: int, epochs: int) -> str | None:
    """Why pictures are not shifted, if they are not."""
    if isinstance(model, MLP):
        return "A network without convolutions learns each shift by itself, which takes more epochs."
    if not round(SHIFT * size):
        return f"Pictures of {size} pixels are too small: a shift by one would be more than {SHIFT:.0%} of them."
    if epochs < EPOCHS:
        return f"In {_epochs(epochs)} each picture is seen too seldom for its shifts to be learned as well."
    return None


def _epochs(count: int) -> str:
    return "one epoch" if count == 1 else f"{count} epochs"


def _count(pixels: int) -> str:
    return "1 pixel" if pixels == 1 else f"{pixels} pixels"
