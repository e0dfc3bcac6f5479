"""The cut-out photos before photographs: as many natural pictures as wanted, of 257 things; tuxpaint-stamps-default."""

from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data.photos import FOLDERS, chosen
from benchmarks.data.picture_set import PictureSet, Pixels, drawn
from benchmarks.data.stamps import cutout
from benchmarks.data.windows import window

SIDE, TESTED = 96, 0.4


def scenes(training: int, test: int, seed: int) -> PictureSet:
    """A thing of 9 classes, mirrored or not, tilted, large or small, before a photograph; other things for testing."""
    return drawn(partial(_scene, seed), tuple(FOLDERS), training, test, seed)


@cache
def _things(seed: int) -> list[list[Image.Image]]:
    """The cut-outs of each class in an order by chance, none longer than 160 pixels."""
    generator = np.random.default_rng(seed)
    return [[_small(file) for file in generator.permutation(np.array(chosen(name)))] for name in FOLDERS]


def _small(file: Path) -> Image.Image:
    picture = cutout(file)
    picture.thumbnail((160, 160), Image.Resampling.BICUBIC)
    return picture


def picked(seed: int, chance: np.random.Generator, label: int, test: bool) -> tuple[Image.Image, str]:
    """A thing of a class by chance, mirrored or not, RGBA, and its name; other things for testing."""
    things = _things(seed)[label]
    tested = round(TESTED * len(things))
    number = int(chance.integers(tested) if test else chance.integers(tested, len(things)))
    thing = things[number]
    if chance.random() < 0.5:
        thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return thing, f"thing {label}-{number}"


def _scene(seed: int, chance: np.random.Generator, label: int, test: bool) -> tuple[Pixels, str]:
    thing, group = picked(seed, chance, label, test)
    thing = thing.rotate(chance.uniform(-25, 25), Image.Resampling.BICUBIC, expand=True)
    scale = chance.uniform(0.5, 0.95) * SIDE / max(thing.size)
    width, height = (max(1, round(scale * extent)) for extent in thing.size)
    thing = thing.resize((width, height), Image.Resampling.BICUBIC)
    scene = Image.fromarray(window(chance, SIDE, test).astype(np.uint8)).convert("RGBA")
    left, top = (int(chance.integers(0, SIDE - extent + 1)) for extent in thing.size)
    scene.alpha_composite(thing, (left, top))
    return np.asarray(scene.convert("RGB")), group
