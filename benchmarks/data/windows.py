"""Windows of the two photographs that scikit-learn ships (CC BY 2.0), as backgrounds."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images


@cache
def _halves(test: bool) -> tuple[Image.Image, ...]:
    """The left halves of the photographs for training, the right halves for testing."""
    photographs = load_sample_images().images
    middle = photographs[0].shape[1] // 2
    part = slice(middle, None) if test else slice(middle)
    return tuple(Image.fromarray(photograph[:, part]) for photograph in photographs)


def window(chance: np.random.Generator, side: int, test: bool) -> NDArray[np.float64]:
    """A square at any place, of any size from `side` on, brought to size, its brightness changed; [side, side, 3]."""
    halves = _halves(test)
    photograph = halves[chance.integers(len(halves))]
    size = int(chance.integers(side, min(photograph.size) + 1))
    left, top = (int(chance.integers(0, extent - size + 1)) for extent in photograph.size)
    box = (left, top, left + size, top + size)
    pixels = np.asarray(photograph.resize((side, side), Image.Resampling.BICUBIC, box), np.float64)
    return np.clip(pixels * chance.uniform(0.6, 1.4), 0, 255)
