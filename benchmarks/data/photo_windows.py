"""Windows of the 257 photos on white: as many pictures of 9 classes as wanted, of other things for testing."""

from functools import partial

import numpy as np
from PIL import Image

from benchmarks.data.photos import FOLDERS
from benchmarks.data.picture_set import PictureSet, Pixels, drawn
from benchmarks.data.scenes import picked

SIDE = 128


def photo_windows(training: int, test: int, seed: int) -> PictureSet:
    """Squares of 70 to 100 % of a photo's longer side, mirrored or not; each shows one thing."""
    return drawn(partial(_window, seed), tuple(FOLDERS), training, test, seed)


def _window(seed: int, chance: np.random.Generator, label: int, test: bool) -> tuple[Pixels, str]:
    thing, group = picked(seed, chance, label, test)
    side = max(thing.size)
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(thing, ((side - thing.width) // 2, (side - thing.height) // 2))
    extent = chance.uniform(0.7, 1.0) * side
    left, top = (chance.uniform(0, side - extent) for _ in range(2))
    seen = (left, top, left + extent, top + extent)
    return np.asarray(square.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, seen)), group
