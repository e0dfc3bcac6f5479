"""The data sets on which ways to transfer are compared, each with two sizes of its training part."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.data.clothes import clothes, tops, turned_clothes
from benchmarks.data.digits import digits, digits_on_photos
from benchmarks.data.glyphs import glyphs
from benchmarks.data.made import discs, textures
from benchmarks.data.photo_windows import photo_windows
from benchmarks.data.picture_set import PictureSet
from benchmarks.data.scenes import scenes
from benchmarks.data.stamps import photos, themes

Make = Callable[[int, int, int], PictureSet]


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    Attributes:
        make: Makes it, of the numbers of training and test pictures and a seed.
        sizes: Numbers of training pictures, the smaller first.
        test: The number of test pictures.
        pixels: The side to which Ravine brings them; 96 where there is more to see than at 64.
    """

    make: Make
    sizes: tuple[int, int]
    test: int
    pixels: int = 64


SETS = {
    "photos": Source(photos, (75, 150), 107, 96),
    "themes": Source(themes, (150, 300), 250, 96),
    "photo_windows": Source(photo_windows, (200, 600), 1_000, 128),
    "scenes": Source(scenes, (200, 600), 1_000, 96),
    "clothes": Source(clothes, (200, 600), 1_000),
    "tops": Source(tops, (200, 600), 1_000),
    "turned_clothes": Source(turned_clothes, (200, 600), 1_000),
    "digits": Source(digits, (200, 600), 1_000),
    "digits_on_photos": Source(digits_on_photos, (200, 600), 1_000),
    "glyphs": Source(glyphs, (208, 624), 1_040),
    "textures": Source(textures, (200, 600), 1_000),
    "discs": Source(discs, (200, 600), 1_000),
}


def picture_set(name: str, training: int, test: int | None = None, seed: int = 0) -> PictureSet:
    """A data set with so many training pictures; with as many test pictures as it usually has if not given."""
    source = SETS[name]
    return source.make(training, test or source.test, seed)
