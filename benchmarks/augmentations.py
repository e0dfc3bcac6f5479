"""Augmentations: what they cost in the training loop and alone, and what they are worth in the preset.

    python -m benchmarks.augmentations                    speed of the loop, and of each augmentation
    python -m benchmarks.augmentations --only accuracy    trainings of the demo, 12 minutes a seed on one core

Speed is measured on the small network of the preset, in blocks of steps with and without augmentation that take turns.
Accuracy is that of `ravine fit demo` on Fashion-MNIST's own 10,000 test pictures, with other augmentations each time.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.data.fashion_mnist import read
from benchmarks.demo import accuracy
from benchmarks.machine import machine
from benchmarks.options import parser
from benchmarks.process import fit
from benchmarks.rates import Candidate, interleaved, ratio
from benchmarks.table import Cell, mean, show
from ravine.augment.augmentation import Augmentation
from ravine.augment.colour import Colour
from ravine.augment.crop import Crop
from ravine.augment.cutmix import CutMix
from ravine.augment.cutout import Cutout
from ravine.augment.flip import Flip
from ravine.augment.mixup import Mixup
from ravine.augment.noise import Noise
from ravine.augment.resized_crop import ResizedCrop
from ravine.augment.rotate import Rotate
from ravine.augment.scale import Scale
from ravine.data.batches import Batches
from ravine.data.preprocess import Preprocess
from ravine.models.architecture import Architecture
from ravine.models.small_cnn import SmallCNN
from ravine.moments import SampleDraws, Samples, Technique
from ravine.optim.nesterov import Nesterov
from ravine.penalties.l2 import L2
from ravine.schedules.one_cycle import OneCycle
from ravine.train.loop import Loop
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

PICTURES, SIDE, CLASSES, THREADS = 4_096, 28, 10, 2
GOAL_LOST = 0.1
SMALL = SmallCNN()
BLOCK_PICTURES = 1_280
TOGETHER: tuple[Technique, ...] = (Crop(0.04), Flip(), Cutout())
ALONE: tuple[Augmentation, ...] = (
    *(
        Flip(),
        Crop(0.04),
        Crop(0.125),
        Cutout(),
        Noise(),
        Colour(),
        Scale(),
        Rotate(),
        ResizedCrop(),
        Mixup(),
        CutMix(),
    ),
)
SETTINGS = (
    (),
    ("flip=true",),
    ("crop=0.04",),
    ("crop=0.07",),
    ("cutout=true",),
    ("flip=true", "crop=0.04"),
    ("flip=true", "crop=0.04", "cutout=true"),
)
NONE = {"flip": "false", "crop": "false", "cutout": "false"}


def pictures(channels: int) -> torch.Tensor:
    """Random ones, uint8 [N, 28, 28, C]."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (PICTURES, SIDE, SIDE, channels), generator=generator, dtype=torch.uint8)


def loop(batch_size: int, techniques: Sequence[Technique], model: Architecture = SMALL) -> Loop:
    """A training as the preset plans it for small grey pictures, without end; perhaps of another network."""
    labels = np.arange(PICTURES) % CLASSES
    population = Population(model, PictureShape(1, SIDE, CLASSES), [0], techniques=[techniques])
    batches = Batches(pictures(1), labels, np.arange(PICTURES), batch_size=batch_size, seeds=[0])
    rule, theta = Nesterov(lr=0.001, momentum=0.9), population.theta
    stepper = Stepper(
        rule, OneCycle(), [L2(1e-3)], population.layout, theta, population.gradient, 10**6, compiled=False
    )
    return Loop(population, stepper, batches, [0], Preprocess(size=SIDE, channels=1), epochs=10**4)


def block(training: Loop) -> Candidate:
    """Some further steps of a training each time."""
    places = _places(len(training.batches))
    steps = max(1, BLOCK_PICTURES // training.batches.batch_size)

    def run() -> int:
        for _ in range(steps):
            epoch, number = next(places)
            training.step(number, epoch)
        return steps * training.batches.batch_size

    return run


def _places(batches: int) -> Iterator[tuple[int, int]]:
    epoch = 0
    while True:
        yield from ((epoch, number) for number in range(batches))
        epoch += 1


def speed(rounds: int, seeds: Sequence[int]) -> None:
    """Pictures a second in the loop."""
    del seeds
    rows: list[tuple[Cell, ...]] = []
    for batch_size in (128, 32):
        candidates = {"on": block(loop(batch_size, TOGETHER)), "off": block(loop(batch_size, ()))}
        rates = interleaved(candidates, rounds)
        on, off = (statistics.median(rates[name]) for name in ("on", "off"))
        lost = 1 - ratio(rates, "on", "off")
        rows.append((str(batch_size), round(off), round(on), f"{lost:.1%}", f"at most {GOAL_LOST:.0%}"))
    heads = ("batch", "off, pictures/s", "on, pictures/s", "lost", "goal")
    show(f"Training loop with crop, flip and cutout: medians of {rounds} rounds, {THREADS} threads", heads, rows)


def alone(rounds: int, seeds: Sequence[int]) -> None:
    """Microseconds a picture of each augmentation by itself."""
    del seeds
    rows: list[tuple[Cell, ...]] = []
    for part in ALONE:
        times: list[Cell] = []
        for batch_size, channels in ((128, 1), (32, 1), (128, 3)):
            rates = interleaved({"": _applied(part, batch_size, channels)}, rounds)
            times.append(round(1e6 / statistics.median(rates[""]), 2))
        rows.append((_name(part), *times))
    heads = ("augmentation", "batch 128, grey", "batch 32, grey", "batch 128, colour")
    show(f"Each augmentation alone, microseconds a picture of {SIDE} pixels, {THREADS} threads", heads, rows)


def _applied(part: Augmentation, batch_size: int, channels: int) -> Candidate:
    images, targets = pictures(channels), torch.eye(CLASSES)[torch.arange(PICTURES) % CLASSES]

    def run() -> int:
        for start in range(0, BLOCK_PICTURES, batch_size):
            rows = torch.arange(start, start + batch_size)
            part.mix(part.augment(Samples(images[rows], targets[rows], SampleDraws(0, 0, rows, PICTURES), 0)))
        return BLOCK_PICTURES

    return run


def _name(part: Augmentation) -> str:
    return f"{type(part).__name__} {part.share}" if isinstance(part, Crop) else type(part).__name__


def worth(rounds: int, seeds: Sequence[int]) -> None:
    """Accuracy with other augmentations."""
    del rounds
    x, y = read("t10k")
    rows: list[tuple[Cell, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, settings in enumerate(SETTINGS):
            right: list[float] = []
            for seed in seeds:
                words = [*(NONE | dict(one.split("=") for one in settings)).items()]
                options = [word for name, value in words for word in ("--set", f"{name}={value}")]
                run = fit("demo", Path(folder) / f"{number}-{seed}", "--seed", str(seed), *options)
                right.append(accuracy(run.folder / "model.ravine", x, y))
            rows.append((", ".join(settings) or "none", mean(right, 4), min(right), max(right)))
    heads = ("augmentation", "mean", "least", "greatest")
    show(f"Accuracy of the demo on {len(y):,} test pictures, n = {len(seeds)} seeds", heads, rows)


def main() -> None:
    words = parser(__doc__, "0,1,2")
    words.add_argument("--rounds", type=int, default=40)
    words.add_argument("--only", choices=["speed", "alone", "accuracy"])
    given: argparse.Namespace = words.parse_args()
    torch.set_num_threads(THREADS)
    print(machine())
    parts = {"speed": speed, "alone": alone, "accuracy": worth}
    for name in [given.only] if given.only else ["speed", "alone"]:
        parts[name](given.rounds, given.seeds)


if __name__ == "__main__":
    main()
