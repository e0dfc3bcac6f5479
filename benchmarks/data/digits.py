"""Handwritten digits that scikit-learn ships (CC BY 4.0): as they are, and in colour on windows of photographs."""

from functools import cache, partial

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks.data.clothes import contrasting
from benchmarks.data.picture_set import Labels, PictureSet, Pixels, divided, drawn, spread
from benchmarks.data.windows import window

CLASSES = tuple("0123456789")
SIDE, TESTED = 64, 1_000


def digits(training: int, test: int, seed: int) -> PictureSet:
    """Grey pictures of 8 pixels, 1,797 in all."""
    return divided(*_digits(), CLASSES, training, test, seed)


def digits_on_photos(training: int, test: int, seed: int) -> PictureSet:
    """A digit of 24 to 48 pixels at any place on a photograph; test pictures have other digits and other windows."""
    return drawn(partial(_pasted, seed), CLASSES, training, test, seed)


@cache
def _digits() -> tuple[Pixels, Labels]:
    shipped = load_digits()
    return np.minimum(shipped.images * 16, 255).astype(np.uint8), shipped.target.astype(np.int64)


@cache
def _by_class(seed: int, test: bool) -> list[list[int]]:
    """Numbers of the digits of a part, class by class."""
    labels = _digits()[1]
    order = spread(labels, seed)
    part = order[-TESTED:] if test else order[:-TESTED]
    return [part[labels[part] == label].tolist() for label in range(len(CLASSES))]


def _pasted(seed: int, chance: np.random.Generator, label: int, test: bool) -> tuple[Pixels, str]:
    own = _by_class(seed, test)[label]
    number = own[chance.integers(len(own))]
    side = int(chance.integers(24, 49))
    digit = Image.fromarray(_digits()[0][number])
    cover = np.zeros((SIDE, SIDE, 1))
    top, left = chance.integers(0, SIDE - side + 1, 2)
    large = digit.resize((side, side), Image.Resampling.BICUBIC)
    cover[top : top + side, left : left + side, 0] = np.asarray(large, np.float64) / 255
    colour, _ = contrasting(chance)
    back = window(chance, SIDE, test)
    return (cover * colour + (1 - cover) * back).round().astype(np.uint8), f"digit {number}"
