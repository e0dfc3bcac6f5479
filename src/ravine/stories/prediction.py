"""Classify files; a damaged one costs nothing but itself."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import ImageError
from ravine.bundle import Prediction, load
from ravine.data.decode import decode
from ravine.data.sources import Item, read_pictures
from ravine.experiment.stages import Progress, Stages

TOGETHER = 64
"""Pictures that are decoded before they are classified in one pass."""


def predict_paths(
    model: Path, paths: Sequence[Path], progress: Progress
) -> tuple[list[Prediction], list[tuple[str, str]]]:
    """Classify every picture below the paths.

    Args:
        model: A model file.
        paths: Pictures, or folders of them.
        progress: Shows how far it is.

    Returns:
        The predictions in order, and the name and reason of every file that could not be read.

    Raises:
        BundleError: The model cannot be read.
        SourceError: A path does not exist.
    """
    loaded = load(model)
    items = read_pictures(paths)
    predictions: list[Prediction] = []
    mistakes: list[tuple[str, str]] = []
    with Stages(progress).stage("predict", "predict", len(items)) as advance:
        for start in range(0, len(items), TOGETHER):
            some = items[start : start + TOGETHER]
            pixels, names = _readable(some, mistakes)
            found = loaded.predict(pixels) if pixels else []
            predictions += [replace(one, name=name) for one, name in zip(found, names, strict=True)]
            advance(len(some))
    return predictions, mistakes


def _readable(items: Sequence[Item], mistakes: list[tuple[str, str]]) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """Pixels and names of those that can be decoded; the others are added to the mistakes."""
    pixels, names = [], []
    for item in items:
        try:
            pixels.append(decode(item.picture).pixels)
            names.append(item.name)
        except ImageError as wrong:
            mistakes.append((item.name, str(wrong)))
    return pixels, names
