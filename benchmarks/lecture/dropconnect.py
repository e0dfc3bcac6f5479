"""DropConnect against dropout: the same network, the same probability, the same pictures; five seeds."""

import time
from typing import Any

import numpy as np

from benchmarks.lecture.demo import SEEDS
from benchmarks.lecture.intervals import difference, interval
from benchmarks.lecture.regularizers import Fits, fits
from benchmarks.table import Cell, show

NETWORK: dict[str, Any] = {"model": "mlp", "model.width": 64, "model.depth": 1, "optimizer.lr": 0.02, "epochs": 40}
PROBABILITIES = (0.5,)


def _timed(settings: dict[str, Any]) -> tuple[Fits, float]:
    began = time.process_time()
    return fits(NETWORK | settings), time.process_time() - began


def main() -> None:
    """One hidden layer: units behind it dropped, or weights into it."""
    plain, seconds = _timed({})
    rows: list[list[Cell]] = [["neither", *_cells(plain), "", "", f"{seconds:.0f}"]]
    for p in PROBABILITIES:
        units, of_units = _timed({"dropout": p})
        weights, of_weights = _timed({"dropconnect": p})
        rows += [
            [f"dropout {p}", *_cells(units), "", "", f"{of_units:.0f}"],
            [
                f"dropconnect {p}",
                *_cells(weights),
                difference(weights.test, units.test),
                difference(weights.nll, units.nll),
                f"{of_weights:.0f}",
            ],
        ]
    heads = ("", "train", "test accuracy", "test NLL", "accuracy, minus dropout", "NLL, minus dropout", "s, processor")
    show(f"DropConnect and dropout, mlp of 64 units on 500 pictures, {SEEDS} seeds", heads, rows)


def _cells(one: Fits) -> list[Cell]:
    return [f"{np.mean(one.train):.3f}", interval(one.test), interval(one.nll)]
