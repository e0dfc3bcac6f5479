"""Seconds of training to a test accuracy: racers in turn, a process a training, each on record as soon as it ends.

A racer whose learning rate rises and falls once is accurate at the end alone: each length is a training of its own,
and its seconds are those of the shortest, in whole epochs from 1, that ends at the target. The others pass through
every length; their seconds are those up to the first epoch that ends at the target. Where some did not get there, for
they were stopped before, the row says "over": what it would have taken is more than is shown.
"""

import json
import math
import os
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.peers import environments
from benchmarks.process import fit, reports
from benchmarks.table import Cell, mean, median, show


@dataclass(frozen=True)
class Racer:
    """Someone who takes part.

    Attributes:
        key: In the record and on the command line.
        name: For the table.
        script: Of benchmarks/peers; None for Ravine itself.
        environment: The script's, see `environments`.
        options: Further words of the script, or of `ravine fit`.
        cycled: Whether the rate rises and falls once in a training.
    """

    key: str
    name: str
    script: str | None
    environment: str = "torch"
    options: tuple[str, ...] = ()
    cycled: bool = False


RACERS = (
    Racer("ravine", "ravine fit, trained on all", None, options=("--set", "split.validation=0"), cycled=True),
    Racer("preset", "ravine fit, nothing set", None, cycled=True),
    Racer("tuned", "PyTorch, tuned by hand", "tuned_pytorch.py", cycled=True),
    Racer("plain", "PyTorch, as its example", "plain_pytorch.py"),
    Racer("lightning", "Lightning, logger and checkpoints off", "lightning_convnet.py"),
    Racer("lightning-defaults", "Lightning, defaults", "lightning_convnet.py", options=("--defaults",)),
    Racer("keras-torch", "Keras 3 on torch", "keras_convnet.py", options=("--backend", "torch")),
    Racer("keras-jax", "Keras 3 on jax", "keras_convnet.py", "jax", ("--backend", "jax")),
)


@dataclass(frozen=True)
class Terms:
    """What is the same for all.

    Attributes:
        data: The file with training and test pictures.
        pictures: For training.
        target: Test accuracy.
        longest: Epochs after which anyone gives up.
        threads: Of everyone.
        at_most: Seconds of training; a peer with a constant rate is stopped after the first epoch that ends later.
    """

    data: Path
    pictures: int
    target: float
    longest: int
    threads: int
    at_most: float = math.inf


@dataclass(frozen=True)
class Training:
    """One process, as it is recorded.

    Attributes:
        racer: Its key.
        seed: Of all chance.
        planned: Epochs it was asked for.
        pictures: For training.
        target: Test accuracy at which a training with a constant rate stops.
        threads: It had.
        course: Epoch, seconds of training up to its end, and test accuracy there.
        load: Of the machine when it began, mean of the minute before.
    """

    racer: str
    seed: int
    planned: int
    pictures: int
    target: float
    threads: int
    course: tuple[tuple[int, float, float], ...]
    load: float

    @property
    def end(self) -> tuple[int, float, float]:
        """The last of the course."""
        return self.course[-1]

    @property
    def reached(self) -> bool:
        """Whether it ended at the target."""
        return self.end[2] >= self.target

    def asked(self) -> tuple[str, int, int, int, float, int]:
        """What tells it from others."""
        return self.racer, self.seed, self.planned, self.pictures, self.target, self.threads


class Record:
    """Trainings in a file of JSON lines; what is in it is not done again."""

    def __init__(self, path: Path) -> None:
        """Read what is there."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        found = (Training(**{**line, "course": tuple(map(tuple, line["course"]))}) for line in map(json.loads, lines))
        self._known = {training.asked(): training for training in found}

    def training(self, racer: Racer, seed: int, planned: int, terms: Terms) -> Training:
        """From the file, or else from the machine."""
        asked = (racer.key, seed, planned, terms.pictures, terms.target, terms.threads)
        if asked not in self._known:
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
            course = tuple(run(racer, seed, planned, terms))
            self._known[asked] = Training(*asked, course=course, load=round(load, 2))
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self._known[asked])) + "\n")
        return self._known[asked]


def run(racer: Racer, seed: int, planned: int, terms: Terms) -> Iterator[tuple[int, float, float]]:
    """Train, and answer the course."""
    if racer.script is None:
        yield own(racer, seed, planned, terms)
        return
    words = ["--seed", str(seed), "--epochs", str(planned), "--threads", str(terms.threads), *racer.options]
    if not racer.cycled:
        words += ["--target", str(terms.target)]
    for line in reports(racer.script, str(terms.data), *words, python=environments.python(racer.environment)):
        yield line["epoch"], line["seconds"], line["accuracy"]
        if not racer.cycled and line["seconds"] > terms.at_most:
            return


def own(racer: Racer, seed: int, planned: int, terms: Terms) -> tuple[int, float, float]:
    """`ravine fit`, whose record holds the seconds from the first step to the end of each epoch; a refit counts too."""
    folder = terms.data.parent / f"{racer.key}-{seed}-{planned}"
    words = ("--seed", str(seed), "--epochs", str(planned), "--set", f"threads={terms.threads}", *racer.options)
    ended = fit(terms.data, folder, *words)
    lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    seconds = {line["run"]: line["seconds"] for line in lines}
    return planned, round(sum(seconds.values()), 3), ended.accuracy


def trainings(racer: Racer, seed: int, terms: Terms, record: Record) -> Iterator[Training]:
    """Those of one racer and seed; the last is the one that counts."""
    for planned in range(1, terms.longest + 1) if racer.cycled else (terms.longest,):
        done = record.training(racer, seed, planned, terms)
        yield done
        if done.reached:
            return


def race(racers: Sequence[Racer], seeds: Iterable[int], terms: Terms, record: Record) -> dict[str, list[Training]]:
    """Seed by seed, in an order that turns round; for each racer the training that counts, a seed each."""
    ends: dict[str, list[Training]] = {racer.key: [] for racer in racers}
    for place, seed in enumerate(seeds):
        for racer in racers[:: -1 if place % 2 else 1]:
            done = list(trainings(racer, seed, terms, record))
            ends[racer.key].append(done[-1])
            for one in done:
                print(f"{racer.name}, seed {seed}: {_words(one)}", flush=True)
    return ends


def _words(one: Training) -> str:
    epochs, seconds, accuracy = one.end
    return f"{epochs} epochs, {seconds:.1f} s, accuracy {accuracy:.4f}, {'reached' if one.reached else 'not reached'}"


def table(racers: Sequence[Racer], ends: dict[str, list[Training]], terms: Terms) -> None:
    """Print who took how long."""
    rows = [_row(racer, ends[racer.key], ends[racers[0].key]) for racer in racers]
    title = f"Seconds of training to {terms.target} test accuracy, {terms.threads} threads, test not timed"
    heads = (
        "what",
        "reached",
        "s, median",
        "s, mean",
        "epochs",
        "accuracy, mean",
        "times the first row's seconds, mean",
    )
    show(title, heads, rows)
    loads = [one.load for row in ends.values() for one in row]
    print(f"\nLoad of the machine before a training: median {median(loads)}, highest {max(loads):.1f}")


def _row(racer: Racer, ends: Sequence[Training], first: Sequence[Training]) -> list[Cell]:
    epochs, seconds, accuracies = (list(column) for column in zip(*(one.end for one in ends), strict=True))
    ratios = [two.end[1] / one.end[1] for one, two in zip(first, ends, strict=True) if one.reached]
    there = sum(one.reached for one in ends)
    over = "" if there == len(ends) else "over "
    return [
        racer.name,
        f"{there} of {len(ends)}",
        f"{over}{statistics.median(seconds):.1f}",
        f"{over}{statistics.fmean(seconds):.1f}",
        f"{statistics.median(epochs):g} ({min(epochs)} to {max(epochs)})",
        mean(accuracies, 4),
        f"{over}{statistics.fmean(ratios):.2f}" if ratios else "",
    ]
