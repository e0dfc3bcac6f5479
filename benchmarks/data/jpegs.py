"""JPEG files of the size of common photo collections, cut out of the two photographs that scikit-learn ships."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

HEIGHT, WIDTH, QUALITY = 375, 500, 90
CLASSES = ("china", "flower")


def write(folder: Path, count: int) -> list[Path]:
    """Write windows at random places of the photographs (CC BY 2.0), in class folders.

    Args:
        folder: Where to.
        count: How many files.

    Returns:
        The files, in the order of the numbers in their names within each class.
    """
    rng, photographs = np.random.default_rng(0), load_sample_images().images
    files = []
    for number in range(count):
        photograph = photographs[number % 2]
        top, left = (rng.integers(0, most + 1) for most in (photograph.shape[0] - HEIGHT, photograph.shape[1] - WIDTH))
        file = folder / CLASSES[number % 2] / f"{number:05}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph[top : top + HEIGHT, left : left + WIDTH]).save(file, quality=QUALITY)
        files.append(file)
    return sorted(files)
