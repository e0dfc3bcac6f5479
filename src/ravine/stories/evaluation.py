"""Look at a source of pictures, and judge a model on one."""

from pathlib import Path
from typing import Any

import numpy as np

from ravine.base.errors import SourceError
from ravine.bundle import load
from ravine.data.audit import Audit
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.experiment.fitted import Evidence
from ravine.experiment.stages import Progress, Stages
from ravine.stats.scores import Scores


def check(source: str | Path, progress: Progress | None = None) -> Audit:
    """Open every picture of a source, and report what can be used and what cannot.

    Args:
        source: A folder of class folders, a CSV table, a .npz file, or "demo".
        progress: Shows how far it is.

    Raises:
        SourceError: The source cannot be used; the message says what to do.
    """
    listing = read_source(source)
    with Stages(progress or Progress()).stage("scan", "scan", len(listing.items)) as advance:
        return scan(listing, advance=advance)


def evaluate(model: str | Path, source: str | Path, progress: Progress | None = None) -> Scores:
    """Judge a model on labelled pictures: on the test part where the source marks one, else on all.

    Args:
        model: A model file.
        source: Labelled pictures, whose classes the model must know.
        progress: Shows how far it is.

    Raises:
        BundleError: The model cannot be read.
        SourceError: The source cannot be used, or has a class that the model does not know.
    """
    loaded = load(model)
    audit = check(source, progress)
    unknown = [name for name in audit.classes if name not in loaded.classes]
    if unknown:
        raise SourceError(
            f"The model does not know these classes of {source}: {', '.join(unknown)}. "
            f"It knows {', '.join(loaded.classes)}. Rename the classes, or fit a model to this source."
        )
    rows = np.array([i for i, part in enumerate(audit.parts) if part == "test"] or range(len(audit)), np.int64)
    places = np.array([loaded.classes.index(name) for name in audit.classes])
    with Stages(progress or Progress()).stage("evaluate", "evaluate", len(rows)) as advance:
        z, _ = loaded.said(audit.pixels, rows, advance)
    return Evidence(z, places[audit.labels[rows]], f"{len(rows):,} pictures").scores(loaded.classes, loaded.temperature)


def facts(scores: Scores) -> dict[str, Any]:
    """Scores as plain values, with a row a class and the confusion matrix."""
    rows = [
        {"name": one.name, "n": one.n, "precision": one.precision, "recall": one.recall, "f1": one.f1}
        for one in scores.classes
    ]
    return {**scores.summary(), "classes": rows, "confusion": scores.confusion.tolist()}
