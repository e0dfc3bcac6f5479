"""The 257 photos, and all pictures of the collection that they come from by theme; Debian's tuxpaint-stamps-default."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data.photos import FOLDERS, STAMPS, chosen
from benchmarks.data.picture_set import Labels, PictureSet, Pixels, divided

SIDE = 96
THEMES = ("animals", "food", "household", "plants", "seasonal", "symbols", "town", "vehicles")
"""Folders with 25 pictures or more, photos and drawings together."""


def photos(training: int, test: int, seed: int) -> PictureSet:
    """Photos of things in 9 classes, on white."""
    return divided(*_photos(), tuple(FOLDERS), training, test, seed)


def themes(training: int, test: int, seed: int) -> PictureSet:
    """Photos and drawings of 8 themes, on white: classes of meaning more than of looks."""
    return divided(*_themes(), THEMES, training, test, seed)


def cutout(file: Path) -> Image.Image:
    """A picture with its transparent surroundings, cut to what is visible, RGBA."""
    with Image.open(file) as opened:
        picture = opened.convert("RGBA")
    return picture.crop(picture.getchannel("A").point(lambda alpha: 255 * (alpha > 16)).getbbox())


def on_white(file: Path) -> Pixels:
    """A picture in the middle of a white square, uint8 [96, 96, 3]."""
    picture = cutout(file)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    square = Image.new("RGBA", (SIDE, SIDE), "white")
    square.alpha_composite(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
    return np.asarray(square.convert("RGB"))


@cache
def _photos() -> tuple[Pixels, Labels]:
    return _read(chosen(name) for name in FOLDERS)


@cache
def _themes() -> tuple[Pixels, Labels]:
    files = ((STAMPS / name).rglob("*.png") for name in THEMES)
    return _read(sorted(file for file in part if "_mirror" not in file.stem) for part in files)


def _read(classes: Iterable[list[Path]]) -> tuple[Pixels, Labels]:
    files = list(classes)
    if not all(files):
        raise SystemExit(f"{STAMPS} lacks pictures. Install them: apt-get install tuxpaint-stamps-default")
    labels = np.repeat(np.arange(len(files)), [len(part) for part in files])
    return np.stack([on_white(file) for part in files for file in part]), labels
