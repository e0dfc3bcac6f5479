"""Fits of one data set in different ways to transfer, in this process, with packs and features in common."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ravine
from benchmarks.data.picture_set import PictureSet
from ravine.base.errors import RavineError


@dataclass(frozen=True, eq=False)
class Bench:
    """A data set in a folder of its own.

    Attributes:
        folder: Empty at first.
        make: Makes the data set, when it is first asked for.
        settings: Of every fit.
    """

    folder: Path
    make: Callable[[], PictureSet]
    settings: Mapping[str, Any]

    @property
    def source(self) -> Path:
        """The file that Ravine reads."""
        return self.folder / "pictures.npz"

    @cached_property
    def pictures(self) -> PictureSet:
        """The data set."""
        return self.make()

    def written(self) -> Path:
        """The file that Ravine reads, made if it is not there."""
        if not self.source.is_file():
            self.pictures.write(self.source)
        return self.source

    def fit(self, way: str, seed: int) -> dict[str, Any]:
        """Fit, and answer the test pictures; what cannot be fitted says why under "failed".

        Args:
            way: How to transfer.
            seed: Of all chance.
        """
        self.written()
        os.environ["RAVINE_CACHE"] = str(self.folder / "cache")
        out = self.folder / f"{way}-{seed}"
        try:
            result = ravine.fit(self.source, out, seed=seed, settings={**self.settings, "transfer": way})
        except RavineError as refusal:
            return {"failed": str(refusal)}
        right = self._right(out / "model.ravine")
        seconds = result.summary["seconds"]["total"]
        return {"accuracy": float(right.mean()), "seconds": seconds, "right": pressed(right)}

    def _right(self, model: Path) -> NDArray[np.bool_]:
        loaded, tested = ravine.load(model), self.pictures.test
        names = np.array(self.pictures.classes)[self.pictures.y[tested]]
        return np.array([said.label for said in loaded.predict(self.pictures.x[tested])]) == names


def pressed(right: NDArray[np.bool_]) -> str:
    """Bits as hexadecimal digits, for a file of JSON lines.

    Example:
        >>> pressed(np.array([True, False, True])), unpressed("a0", 3).tolist()
        ('a0', [True, False, True])
    """
    return np.packbits(right).tobytes().hex()


def unpressed(text: str, count: int) -> NDArray[np.bool_]:
    """The bits [count] again."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8), count=count).astype(bool)
