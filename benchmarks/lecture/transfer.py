"""The four cells of the table of transfer learning, each on real pictures: accuracy of every way to train the body.

Test accuracy with everything but the way left to the presets; means and intervals are over seeds, on the same pictures,
and the large sets have one. A natural set that is large is not to be had without a download: "large and similar" shows
257 things before photographs, other things for testing, so that there are many pictures, but not many things. Each fit
is kept in the benchmarks' cache folder, and is not done again.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import ravine
from benchmarks.data.picture_set import PictureSet
from benchmarks.data.transfer_sets import SETS, picture_set
from benchmarks.journal import Journal
from benchmarks.lecture.intervals import interval
from benchmarks.peers.environments import cache
from benchmarks.table import Cell, show
from ravine.base.errors import RavineError
from ravine.device.allocator import keep_freed_memory
from ravine.plan.alternatives import WAYS

TEST = 1_000


@dataclass(frozen=True)
class Quarter:
    """A cell of the table: what it is called, its data set, how many pictures that has for training, and the seeds."""

    title: str
    name: str
    training: int
    seeds: int


QUARTERS = (
    Quarter("small, similar", "photos", 150, 3),
    Quarter("small, different", "glyphs", 208, 3),
    Quarter("large, similar", "scenes", 2_000, 1),
    Quarter("large, different", "clothes", 2_000, 1),
)


@dataclass(frozen=True)
class Bench:
    """A data set in a folder of its own, made when it is first asked for; all fits share packs and features."""

    folder: Path
    make: Callable[[], PictureSet]
    pixels: int

    def fit(self, way: str, seed: int) -> dict[str, Any]:
        """Accuracy on test pictures, and seconds; what cannot be fitted says why under "failed"."""
        os.environ["RAVINE_CACHE"] = str(self.folder / "cache")
        source = self.folder / "pictures.npz"
        if not source.is_file():
            self.make().write(source)
        settings = {"picture.size": self.pixels, "transfer": way}
        try:
            found = ravine.fit(source, self.folder / f"{way}-{seed}", seed=seed, settings=settings).summary
        except RavineError as refusal:
            return {"failed": str(refusal)}
        return {"accuracy": found["test"]["accuracy"], "seconds": found["seconds"]["total"]}


def row(quarter: Quarter, journal: Journal) -> list[Cell]:
    """Accuracies of a cell."""
    source = SETS[quarter.name]
    test = min(TEST, source.test)
    asked = {"set": quarter.name, "training": quarter.training, "test": test, "pixels": source.pixels}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), partial(picture_set, quarter.name, quarter.training, test), source.pixels)
        told = []
        for way in WAYS:
            fits = [
                journal.result({**asked, "way": way, "seed": seed}, partial(bench.fit, way, seed))
                for seed in range(quarter.seeds)
            ]
            told.append(_words(fits))
    return [quarter.title, quarter.name, f"{quarter.training:,}", quarter.seeds, *told]


def _words(fits: list[dict[str, Any]]) -> str:
    if any("failed" in one for one in fits):
        return "failed"
    accuracies = np.array([one["accuracy"] for one in fits])
    return f"{accuracies.mean():.3f}" if len(fits) == 1 or np.ptp(accuracies) == 0 else interval(accuracies)


def main() -> None:
    """A row a cell."""
    keep_freed_memory()
    journal = Journal(cache() / "lecture-transfer.jsonl")
    rows = [row(quarter, journal) for quarter in QUARTERS]
    show("Accuracy on test pictures", ("cell", "data set", "training", "seeds", *WAYS), rows)
