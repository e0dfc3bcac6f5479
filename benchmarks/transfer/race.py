"""Seconds to the lower of two final accuracies: Ravine against fine-tuning of the same weights by timm and by fastai.

Everyone has the same pictures of the same size, the same split, the same weights of EfficientNet-Lite0, all threads,
and a process for each training. The peers train the classifier for an epoch and then all layers (peers/finetune_*.py);
their rate is the best of four on a fifth of the training pictures that is held out, which is not counted. Since their
rate falls to nothing at the end, each is trained for several lengths. Its final accuracy is that of the longest; its
seconds to a target are the least after which any epoch of any length has it. Ravine has an answer at the end alone, and
its seconds are those from packing on to the fitted model, without scan, test and report; theirs are of bringing
pictures to size and training, without reading and tests. Loading timm and the weights is in everyone's seconds, other
imports are in no one's.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data.transfer_sets import SETS, picture_set
from benchmarks.journal import Journal
from benchmarks.peers.environments import python
from benchmarks.process import fit, peer
from benchmarks.table import Cell, mean, show

RACERS = {
    "head": "ravine fit, transfer=head",
    "depth": "ravine fit, transfer=depth",
    "auto": "ravine fit, transfer=auto",
    "timm": "timm, a loop by hand",
    "fastai": "fastai, fine_tune",
}
OURS = ("head", "depth", "auto")
RATES = {"timm": (3e-4, 1e-3, 3e-3, 1e-2), "fastai": (1e-3, 3e-3, 1e-2, 3e-2)}
TUNED_FOR = 5
LENGTHS, QUICK_LENGTHS = (2, 3, 5, 9), (3,)
TEST = 2_000


@dataclass(frozen=True)
class Terms:
    """What is the same for all.

    Attributes:
        name: Of the data set.
        training: Training pictures.
        lengths: Epochs of the peers' trainings.
        folder: For files.
    """

    name: str
    training: int
    lengths: Sequence[int]
    folder: Path

    @property
    def pixels(self) -> int:
        """Of a side."""
        return SETS[self.name].pixels

    def data(self) -> Path:
        """The file of pictures, which is made when it is first asked for."""
        path = self.folder / f"{self.name}-{self.training}.npz"
        if not path.is_file():
            picture_set(self.name, self.training, TEST).write(path)
        return path

    def asked(self, racer: str, **others: Any) -> dict[str, Any]:
        """What tells a run from others."""
        return {"part": "race", "set": self.name, "training": self.training, "racer": racer, **others}


def main(terms: Terms, racers: Sequence[str], seeds: Sequence[int], journal: Journal) -> None:
    """Run what is not on record, and show."""
    courses: dict[str, list[list[Any]]] = {racer: [] for racer in racers}
    for racer in racers:
        rate = None if racer in OURS else _tuned(terms, racer, journal)
        for seed in seeds:
            courses[racer].append(_course(terms, racer, rate, seed, journal))
    _show_ends(terms, courses)
    _show_pairs(terms, courses)


def _course(terms: Terms, racer: str, rate: float | None, seed: int, journal: Journal) -> list[Any]:
    """[epochs planned, epoch, seconds, accuracy] of everything that a racer did with a seed; the last is its end."""
    if rate is None:
        found = journal.result(terms.asked(racer, seed=seed), partial(_ravine, terms, racer, seed))
        return [[0, 0, found["seconds"], found["accuracy"]]]
    course = []
    for length in terms.lengths:
        asked = terms.asked(racer, seed=seed, rate=rate, epochs=length)
        found = journal.result(asked, partial(_peer, terms, racer, rate, length, seed))
        course += [[length, *line] for line in found["course"]]
    return course


def _ravine(terms: Terms, way: str, seed: int) -> dict[str, Any]:
    words = ("--seed", str(seed), "--set", f"transfer={way}", "--set", f"picture.size={terms.pixels}")
    done = fit(terms.data(), terms.folder / f"{terms.name}-{way}-{seed}", *words)
    apart = ("scan", "evaluate", "report", "total")
    seconds = done.seconds["total"] - sum(done.seconds.get(part, 0.0) for part in apart[:-1])
    chosen = (done.summary.get("transfer") or {}).get("chosen", way)
    return {
        "seconds": seconds,
        "accuracy": done.accuracy,
        "process": done.wall_seconds,
        "parts": done.seconds,
        "chosen": chosen,
    }


def _peer(terms: Terms, racer: str, rate: float, epochs: int, seed: int, *words: str) -> dict[str, Any]:
    options = ("--seed", str(seed), "--epochs", str(epochs), "--rate", str(rate), "--size", str(terms.pixels))
    interpreter = python("fastai", above=True) if racer == "fastai" else sys.executable
    said, wall = peer(f"finetune_{racer}.py", str(terms.data()), *options, *words, python=interpreter)
    course = [[line["epoch"], line["seconds"], line["accuracy"]] for line in said]
    return {"course": course, "seconds": course[-1][1], "accuracy": course[-1][2], "process": wall}


def _tuned(terms: Terms, racer: str, journal: Journal) -> float:
    """The rate that is best on held-out training pictures."""
    epochs = min(TUNED_FOR, max(terms.lengths))
    accuracy = {}
    for rate in RATES[racer]:
        asked = terms.asked(racer, rate=rate, epochs=epochs, tuning=True)
        found = journal.result(asked, partial(_peer, terms, racer, rate, epochs, 0, "--held"))
        accuracy[rate] = found["accuracy"]
    best = max(accuracy, key=lambda rate: accuracy[rate])
    print(f"{racer}: rate {best:g} (held-out accuracy {accuracy[best]:.3f})", flush=True)
    return best


def _show_ends(terms: Terms, courses: dict[str, list[list[Any]]]) -> None:
    """Where each length ended."""
    rows: list[list[Cell]] = []
    for racer, seeds in courses.items():
        for length in dict.fromkeys(line[0] for line in seeds[0]):
            ends = [[line for line in course if line[0] == length][-1] for course in seeds]
            seconds, accuracies = ([line[column] for line in ends] for column in (2, 3))
            epochs = str(length) if length else ""
            rows.append(
                [RACERS[racer], epochs, round(mean(seconds, 2), 2), mean(accuracies, 4), round(min(accuracies), 4)]
            )
    heads = ("what", "epochs", "s, mean", "final accuracy, mean", "lowest")
    title = f"{terms.name}: {terms.training:,} training and {TEST:,} test pictures, {terms.pixels} pixels"
    show(f"{title}, n = {len(next(iter(courses.values())))} seeds", heads, rows)


def _show_pairs(terms: Terms, courses: dict[str, list[list[Any]]]) -> None:
    """Ravine against each peer, seed by seed to the lower of their final accuracies."""
    rows: list[list[Cell]] = []
    for own in [racer for racer in courses if racer in OURS]:
        for other in [racer for racer in courses if racer not in OURS]:
            pairs = list(zip(courses[own], courses[other], strict=True))
            targets = [min(ours[-1][3], theirs[-1][3]) for ours, theirs in pairs]
            times = [(_until(a, goal), _until(b, goal)) for (a, b), goal in zip(pairs, targets, strict=True)]
            ratios = [theirs / ours for ours, theirs in times]
            ours, theirs = (mean(list(column), 2) for column in zip(*times, strict=True))
            rows.append(
                [RACERS[own], RACERS[other], mean(targets, 4), ours, theirs, mean(ratios, 2), round(min(ratios), 2)]
            )
    heads = ("Ravine", "peer", "target, mean", "s, Ravine", "s, peer", "peer / Ravine, mean", "least")
    show(f"{terms.name}: seconds to the lower of the two final accuracies", heads, rows)


def _until(course: list[Any], target: float) -> float:
    """The least seconds of a course after which the accuracy is at the target."""
    return min(seconds for _, _, seconds, accuracy in course if accuracy >= target)
