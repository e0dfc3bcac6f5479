"""Which augmentations a training from scratch has unless told otherwise, and why."""

from ravine.plan.facts import Facts, Reason
from ravine.plan.toml import Tree

SHIFT = 0.04
"""Of a side: 1 pixel of 28, 3 of 64."""


def augmentation(facts: Facts, size: int) -> tuple[Tree, list[Reason]]:
    """Propose the augmentations that paid in `benchmarks/augmentations.py`.

    Args:
        facts: The pictures.
        size: Their height and width as the network reads them.

    Returns:
        Techniques for the plan, and a reason for each, on or off.
    """
    mirror, pixels = facts.mirror(), round(SHIFT * size)
    tree: Tree = ({"flip": {}} if mirror.safe else {}) | ({"crop": {"share": SHIFT}} if pixels else {})
    return tree, [
        Reason("flip", "on" if mirror.safe else "off", mirror.why),
        Reason("crop", f"on, up to {_count(pixels)}" if pixels else "off", _why_crop(pixels, size)),
    ]


def _why_crop(pixels: int, size: int) -> str:
    if pixels:
        return "A small shift keeps the label, so that each epoch shows other pictures; larger ones need more epochs."
    return f"Pictures of {size} pixels are too small: a shift by one pixel would be more than {SHIFT:.0%} of them."


def _count(pixels: int) -> str:
    return "1 pixel" if pixels == 1 else f"{pixels} pixels"
