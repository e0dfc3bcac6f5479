"""Batches made ahead in a thread: whether a training on a CPU gains by it.

    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.prefetch

Steps of a small network on batches that are cropped, flipped and erased, with 0, 1 and 2 batches made ahead; from a pack
in memory, and from a file that the system has just been told to forget (Linux). Orders and pixels are the same.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.loader import augmented
from benchmarks.machine import machine
from benchmarks.rates import Candidate, interleaved, ratio
from benchmarks.table import median, show
from ravine.augment.crop import Crop
from ravine.augment.cutout import Cutout
from ravine.augment.flip import Flip
from ravine.data.batches import Batch, Batches, channels_first
from ravine.data.preprocess import Preprocess
from ravine.data.ring import Ring
from ravine.device.allocator import keep_freed_memory
from ravine.models.small_cnn import SmallCNN
from ravine.train.timeline import Shares, Timeline

PICTURES, SIDE, PARTS = 20_000, 28, (Crop(), Flip(), Cutout())
STORED_PICTURES, STORED, EVERY = 3_000, 252, 9
AHEAD = (0, 1, 2)


class Training:
    """Some steps of one network; where their time went is kept."""

    def __init__(self, images: Tensor, batch_size: int, steps: int) -> None:
        count, channels = len(images), images.shape[-1]
        self.batches = Batches(images, torch.arange(count) % 10, np.arange(count), batch_size=batch_size, seeds=(0,))
        self.network = SmallCNN().build(channels, SIDE, 10).train()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3, momentum=0.9)
        self.picture = Preprocess(size=SIDE, channels=channels)
        self.steps, self.shares = steps, dict.fromkeys(AHEAD, Shares())

    def seen(self, batch: Batch, epoch: int) -> tuple[Tensor, Tensor]:
        """Pixels and targets; of large pictures every ninth pixel, so that the network stays small."""
        if batch.images.shape[2] > SIDE:
            batch = batch._replace(images=batch.images[:, :, ::EVERY, ::EVERY].contiguous())
        samples = augmented(batch, epoch, PARTS, len(self.batches.labels))
        return self.picture.normalise(channels_first(samples.images)), samples.targets

    def run(self, ahead: int) -> int:
        timeline = Timeline()
        with Ring(self.batches, [(0, number) for number in range(self.steps)], self.seen, ahead=ahead) as ring:
            for pixels, targets in ring:
                timeline.lap("data")
                self.optimizer.zero_grad()
                loss = cross_entropy(self.network(pixels), targets)
                loss.backward()
                self.optimizer.step()
                loss.item()
                timeline.lap("arithmetic")
        self.shares[ahead] = timeline.shares()
        return self.steps * self.batches.batch_size

    def candidates(self, before: Path | None) -> dict[str, Candidate]:
        def candidate(ahead: int) -> Candidate:
            def run() -> int:
                forget(before)
                return self.run(ahead)

            return run

        return {f"{ahead} ahead": candidate(ahead) for ahead in AHEAD}


def forget(file: Path | None) -> None:
    """Tell the system that a file need not be kept in memory."""
    if file is not None and hasattr(os, "posix_fadvise"):
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(what: str, training: Training, rounds: int, file: Path | None = None) -> list[list[str | float]]:
    candidates = training.candidates(file)
    rates = interleaved(candidates, rounds)
    none = next(iter(candidates))
    return [
        [what, name, round(median(values)), round(ratio(rates, name, none), 2), f"{share.share('data'):.1%}"]
        for (name, values), share in zip(rates.items(), training.shares.values(), strict=True)
    ]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=9)
    rounds = words.parse_args().rounds
    keep_freed_memory()
    print(machine())
    small = torch.randint(0, 256, (PICTURES, SIDE, SIDE, 1), dtype=torch.uint8)
    rows = [
        row
        for size, steps in ((32, 60), (128, 20))
        for row in measure(f"in memory, batches of {size}", Training(small, size, steps), rounds)
    ]
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "pixels"
        shape = (STORED_PICTURES, STORED, STORED, 3)
        np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8).tofile(file)
        os.sync()
        mapped = torch.as_tensor(np.memmap(file, np.uint8, "c", 0, shape))
        rows += measure(f"from disk, {STORED} pixels, batches of 32", Training(mapped, 32, 30), rounds, file)
    heads = ("pack", "batches", "pictures/s", "times as fast as none ahead", "waited for data, last round")
    show(f"Training small_cnn with batches made ahead (median of {rounds})", heads, rows)


if __name__ == "__main__":
    main()
