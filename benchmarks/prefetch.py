"""Blocks of batches made ahead in a thread: whether a training on a CPU gains by it.

    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.prefetch

    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.prefetch --only disk

Steps of a small network on batches that are cropped, flipped and erased, with 0, 1 and 2 blocks made ahead; from a
pack in memory, and from a file that the system has just been told to forget (Linux). Orders and pixels are the same.
"""

import argparse
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.loader.small import augmented
from benchmarks.machine import machine
from benchmarks.rates import ratio
from benchmarks.table import median, show
from ravine.augment.crop import Crop
from ravine.augment.cutout import Cutout
from ravine.augment.flip import Flip
from ravine.data.batches import Batch, Batches, channels_first
from ravine.data.placement import batches_at_once
from ravine.data.preprocess import Preprocess
from ravine.data.ring import Ring
from ravine.device.allocator import keep_freed_memory
from ravine.models.small_cnn import SmallCNN
from ravine.train.timeline import Timeline

PICTURES, SIDE, PARTS = 20_000, 28, (Crop(), Flip(), Cutout())
STORED_PICTURES, STORED, EVERY = 1_000, 252, 9
AHEAD = (0, 1, 2)


class Training:
    """Some steps of one network; where their time went is kept."""

    def __init__(self, images: Tensor, batch_size: int, steps: int) -> None:
        count, channels = len(images), images.shape[-1]
        self.batches = Batches(images, torch.arange(count) % 10, np.arange(count), batch_size=batch_size, seeds=(0,))
        self.augmented, self.block = augmented(self.batches, PARTS), batches_at_once(self.batches)
        self.network = SmallCNN().build(channels, SIDE, 10).train()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3, momentum=0.9)
        self.picture = Preprocess(size=SIDE, channels=channels)
        self.steps, self.waited = steps, dict.fromkeys(AHEAD, 0.0)

    def seen(self, block: Batch, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pixels and targets; of large pictures every ninth pixel, so that the network stays small."""
        if block.images.shape[2] > SIDE:
            block = block._replace(images=block.images[:, :, ::EVERY, ::EVERY].contiguous())
        prepared = self.augmented(block, epoch)
        return ((self.picture.normalise(channels_first(images)), targets) for images, targets in prepared)

    def run(self, ahead: int) -> float:
        """All steps, with so many blocks made ahead; pictures a second."""
        timeline = Timeline()
        with Ring(self.batches, [(0, range(self.steps))], self.seen, block=self.block, ahead=ahead) as ring:
            for pixels, targets in ring:
                timeline.lap("data")
                self.optimizer.zero_grad()
                loss = cross_entropy(self.network(pixels), targets)
                loss.backward()
                self.optimizer.step()
                loss.item()
                timeline.lap("arithmetic")
        self.waited[ahead] = timeline.shares().share("data")
        return self.steps * self.batches.batch_size / timeline.shares().seconds


def measure(
    what: str, training: Training, rounds: int, before: Callable[[], object] = lambda: None
) -> list[list[str | float]]:
    """Rows of the table; something is done before each run, which is not timed."""
    rates: dict[str, list[float]] = {}
    runs = {f"{ahead} ahead": ahead for ahead in AHEAD}
    for index in range(rounds + 1):
        for name, ahead in list(runs.items())[:: 1 if index % 2 else -1]:
            before()
            rate = training.run(ahead)
            if index:
                rates.setdefault(name, []).append(rate)
    return [
        [
            what,
            name,
            round(median(rates[name])),
            round(ratio(rates, name, "0 ahead"), 2),
            f"{training.waited[ahead]:.1%}",
        ]
        for name, ahead in runs.items()
    ]


def in_memory(size: int, rounds: int) -> list[list[str | float]]:
    small = torch.randint(0, 256, (PICTURES, SIDE, SIDE, 1), dtype=torch.uint8)
    return measure(f"in memory, {SIDE} pixels, batches of {size}", Training(small, size, 1920 // size), rounds)


def on_disk(rounds: int) -> list[list[str | float]]:
    shape = (STORED_PICTURES, STORED, STORED, 3)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "pixels"
        np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8).tofile(path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

            def forget() -> None:
                mapped.madvise(mmap.MADV_DONTNEED)
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

            images = torch.frombuffer(mapped, dtype=torch.uint8).view(shape)
            return measure(f"from disk, {STORED} pixels, batches of 32", Training(images, 32, 20), rounds, forget)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=9)
    words.add_argument("--only", choices=["memory", "disk"])
    given = words.parse_args()
    keep_freed_memory()
    print(machine())
    rows: list[list[str | float]] = []
    if given.only != "disk":
        rows += [row for size in (32, 128) for row in in_memory(size, given.rounds)]
    if given.only != "memory":
        rows += on_disk(given.rounds)
    heads = ("pack", "batches", "pictures/s", "times as fast as none ahead", "waited for data")
    show(f"Training small_cnn with batches made ahead (median of {given.rounds})", heads, rows)


if __name__ == "__main__":
    main()
