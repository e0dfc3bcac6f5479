"""What presets start from and end with: facts about the pictures, and reasons for choices."""

from collections.abc import Callable
from dataclasses import dataclass

from ravine.data.mirror import Mirror, not_measured


@dataclass(frozen=True)
class Facts:
    """What the presets know of the pictures and of the machine.

    Attributes:
        pictures: Usable pictures that are not for testing.
        classes: How many classes there are.
        median_side: Median over pictures of the longer side, pixels.
        same_size: Whether all pictures are squares of that size.
        grey: Whether all pictures are grey.
        cores: Usable cores.
        device: cpu or cuda.
        mirror: Measures whether mirrored pictures keep their labels; asked where a network is trained from scratch.
    """

    pictures: int
    classes: int
    median_side: int
    same_size: bool
    grey: bool
    cores: int
    device: str
    mirror: Callable[[], Mirror] = not_measured


@dataclass(frozen=True)
class Reason:
    """One choice: its name, its value in words, and why it was made."""

    name: str
    value: str
    why: str
