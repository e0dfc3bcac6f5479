"""Any number of JPEG files from the 257 photos, each a window of one of them on white: to measure time on."""

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data.photos import FOLDERS, chosen
from benchmarks.data.stamps import cutout

SIDE, QUALITY = 256, 90


def write(folder: Path, count: int) -> None:
    """Write windows of 80 to 100 % of a photo's side, 256 pixels wide and high, into one folder a class.

    Args:
        folder: Where to; class folders are made.
        count: How many files.
    """
    chance = np.random.default_rng(0)
    photos = [(name, cutout(file)) for name in FOLDERS for file in chosen(name)]
    for number in range(count):
        name, photo = photos[number % len(photos)]
        white = Image.new("RGBA", photo.size, "white")
        white.alpha_composite(photo)
        share = chance.uniform(0.8, 1)
        width, height = (max(1, round(share * extent)) for extent in photo.size)
        left, top = (
            int(chance.integers(0, whole - part + 1)) for whole, part in zip(photo.size, (width, height), strict=True)
        )
        window = white.convert("RGB").resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + width, top + height)
        )
        file = folder / name / f"{number:05}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        window.save(file, quality=QUALITY)
