"""What the tables of loaders have in common: sizes, candidates of one kind, and how a table is made."""

import torch
from torch import Tensor

from benchmarks.peers import loaders
from benchmarks.rates import Candidate, interleaved, ratio
from benchmarks.table import median, show
from ravine.device.machine import threads

LARGE_BATCH, STORED, SIDE = 50, 256, 224
MARGIN = loaders.MARGIN


def with_threads(count: int, candidate: Candidate) -> Candidate:
    def run() -> int:
        with threads(count):
            return candidate()

    return run


def passes(pictures: loaders.Pictures, workers: int, batch_size: int) -> Candidate:
    """One epoch of a DataLoader."""
    batches = loaders.loader(pictures, workers, batch_size)
    return with_threads(1, lambda: sum(len(images) for images, _ in batches))


def equal(what: str, one: Tensor, other: Tensor) -> None:
    if not torch.equal(one, other):
        raise SystemExit(f"{what}: pixels differ, so that times would mean nothing.")


def report(title: str, candidates: dict[str, Candidate], rounds: int) -> None:
    rates = interleaved(candidates, rounds)
    own = next(iter(candidates))
    rows = [
        [
            name,
            round(median(values)),
            f"{round(min(values)):,} to {round(max(values)):,}",
            round(ratio(rates, own, name), 2),
        ]
        for name, values in rates.items()
    ]
    show(f"{title} (median of {rounds})", ("loader", "pictures/s", "range", f"{own}: times as fast"), rows)
