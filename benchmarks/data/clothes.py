"""Fashion-MNIST as it is, three of its classes that look alike, and all of it turned and coloured."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.fashion_mnist import read
from benchmarks.data.picture_set import Labels, PictureSet, Pixels, joined, spread
from benchmarks.make_demo import CLASSES

TOPS = ("Pullover", "Coat", "Shirt")
SIDE = 48


def clothes(training: int, test: int, seed: int) -> PictureSet:
    """Grey pictures of 28 pixels in ten classes; training pictures are from the training part, test from the other."""
    return joined(_some("train", training, seed), _some("t10k", test, seed), CLASSES)


def tops(training: int, test: int, seed: int) -> PictureSet:
    """Pullovers, coats and shirts alone: small differences."""
    parts = (_some(part, count, seed, TOPS) for part, count in (("train", training), ("t10k", test)))
    return joined(*parts, TOPS)


def turned_clothes(training: int, test: int, seed: int) -> PictureSet:
    """Turned by any angle, in one colour on another: neither position nor colour says anything; 48 pixels."""
    parts = []
    for number, (part, count) in enumerate((("train", training), ("t10k", test))):
        x, y = _some(part, count, seed)
        chances = (np.random.default_rng((seed, number, place)) for place in range(count))
        parts.append((np.stack([_turned(one, chance) for one, chance in zip(x, chances, strict=True)]), y))
    return joined(*parts, CLASSES)


def _some(part: str, count: int, seed: int, names: tuple[str, ...] = CLASSES) -> tuple[Pixels, Labels]:
    """The first pictures of a part, in an order by chance; labels are places in `names`."""
    x, y = read(part)
    place = {CLASSES.index(name): number for number, name in enumerate(names)}
    rows = np.flatnonzero(np.isin(y, list(place)))
    own = np.array([place[label] for label in y[rows].tolist()])
    chosen = spread(own, seed)[:count]
    return x[rows[chosen]], own[chosen]


def _turned(grey: Pixels, chance: np.random.Generator) -> Pixels:
    angle = chance.uniform(0, 360)
    large = Image.fromarray(grey).resize((34, 34), Image.Resampling.BICUBIC)
    canvas = Image.new("L", (SIDE, SIDE))
    canvas.paste(large, ((SIDE - 34) // 2, (SIDE - 34) // 2))
    cover = np.asarray(canvas.rotate(angle, Image.Resampling.BICUBIC), np.float64)[..., None] / 255
    front, back = contrasting(chance)
    return (cover * front + (1 - cover) * back).round().astype(np.uint8)


def contrasting(chance: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two colours [3], 0 to 255, that differ by 80 or more on average."""
    while True:
        front, back = chance.uniform(0, 255, (2, 3))
        if abs(front - back).mean() >= 80:
            return front, back
