"""Classify files, one at a time, so that a damaged one costs nothing but itself."""

from collections.abc import Sequence
from pathlib import Path

from ravine.base.errors import ImageError
from ravine.bundle import Prediction, load
from ravine.data.sources import read_pictures
from ravine.experiment.stages import Progress, Stages


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
        for item in items:
            try:
                predictions += loaded.predict([item.picture])
            except ImageError as wrong:
                mistakes.append((item.name, str(wrong)))
            advance(1)
    return predictions, mistakes
