"""What the measured decision about transfer learning loses against the best one, on eleven data sets of two sizes.

    python -m benchmarks.regret                            all sets, both sizes
    python -m benchmarks.regret --sets photos,glyphs       some of them
    python -m benchmarks.regret --sizes small              the smaller training parts; or large
    python -m benchmarks.regret --show                     the tables of what is on record; pictures are made anew
    python -m benchmarks.regret --quick                    a set of 80 pictures: does it run at all?

For each data set and size, the table's axes are measured, every candidate answers each training picture from a training
on four fifths of the others, and then every candidate is fitted to all training pictures and answers the test pictures.
What `transfer=auto` decides follows from the first two, by the program's own race, fed with the answers on record (see
`replay.py`); so a change of its rule costs no training. All of a cell share one process, packs and stored features.

The oracle takes the candidate that is best on one half of the test pictures, and is scored on the other half, as all
policies are; see `oracle.py`. The policies: Ravine's decision; always the same candidate; the candidate that the
textbook's table names for the number of pictures alone, or for the measured cell without a race. Means have a 95 %
bootstrap interval over data sets, whose two sizes stay together.

Each result is written to --record as soon as it is there, and what is there is not done again.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data.transfer_sets import SETS, picture_set
from benchmarks.journal import Journal
from benchmarks.machine import machine
from benchmarks.options import names
from benchmarks.oracle import interval, regrets
from benchmarks.peers.environments import cache
from benchmarks.replay import Contest
from benchmarks.table import Cell, mean, show
from benchmarks.ways import Bench, unpressed
from ravine.device.allocator import keep_freed_memory
from ravine.device.machine import usable_cores
from ravine.plan.alternatives import WAYS
from ravine.transfer.decision import Decision

GOAL = 0.005
SMALL = [name for name, source in SETS.items() if source.pixels <= 96]
QUICK_TRAINING, QUICK_TEST = 80, 200
STEPS = ("raced", "fitted")
POLICIES = {
    "ravine": "Ravine's decision",
    "textbook": "textbook, measured cell without a race",
    "size": "textbook, number of pictures alone",
    **{way: f"always {way}" for way in WAYS},
}


@dataclass(frozen=True)
class Task:
    """A data set with one number of training pictures."""

    name: str
    training: int
    test: int
    pixels: int
    seed: int
    threads: int

    def asked(self, what: str, way: str) -> dict[str, Any]:
        """What tells a result from others."""
        return {**vars(self), "what": what, "way": way}

    def judged(self, journal: Journal) -> "Judged":
        """Everything, from the journal or else from the machine, and what follows from it."""
        settings = {"picture.size": self.pixels, "threads": self.threads}
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), partial(picture_set, self.name, self.training, self.test), settings)
            contest = Contest(bench.written(), Path(folder) / "cache", settings, self.seed)
            measured = journal.result(self.asked("measured", "none"), contest.measured)
            raced = {way: journal.result(self.asked("raced", way), partial(contest.answered, way)) for way in WAYS}
            fit = {way: journal.result(self.asked("fitted", way), partial(bench.fit, way, self.seed)) for way in WAYS}
            return Judged(self, measured, contest.decided(raced), fit)

    def complete(self, journal: Journal) -> bool:
        """Whether all of it is on record."""
        asked = [self.asked("measured", "none"), *(self.asked(what, way) for what in STEPS for way in WAYS)]
        return all(map(journal.has, asked))


@dataclass(frozen=True, eq=False)
class Judged:
    """The decision and the fits of a cell, and what each policy would have lost."""

    task: Task
    measured: dict[str, Any]
    decision: Decision
    found: dict[str, dict[str, Any]]

    def choices(self) -> dict[str, str]:
        """The candidate that each policy takes, where that could be fitted."""
        taken = {
            "ravine": self.decision.chosen.name,
            "textbook": self.measured.get("textbook"),
            "size": self.measured.get("by_number_alone"),
            **{way: way for way in WAYS},
        }
        return {policy: way for policy, way in taken.items() if way in self.fitted()}

    def choices_in_words(self) -> list[str]:
        """Of Ravine, the textbook, and the number of pictures alone."""
        return [self.decision.chosen.name, *(str(self.measured.get(name)) for name in ("textbook", "by_number_alone"))]

    def fitted(self) -> list[str]:
        """Candidates that could be fitted."""
        return [way for way in WAYS if "right" in self.found[way]]

    def lost(self) -> dict[str, float]:
        """The regret of each policy."""
        right = {way: unpressed(self.found[way]["right"], self.task.test) for way in self.fitted()}
        return regrets(right, self.choices()) if right else {}

    def title(self) -> list[Cell]:
        """The first columns of a row."""
        return [self.task.name, str(self.task.training)]


def show_accuracies(cells: Sequence[Judged]) -> None:
    """A row a cell."""
    rows = []
    for one in cells:
        values = [f"{one.found[way]['accuracy']:.3f}" if way in one.fitted() else "failed" for way in WAYS]
        rows.append([*one.title(), *values, *one.choices_in_words()])
    heads = ("data set", "training", *WAYS, "Ravine's choice", "textbook", "by number")
    show("Accuracy on test pictures, each candidate fitted to all training pictures", heads, rows)


def show_race(cells: Sequence[Judged]) -> None:
    """What the race knew: accuracies of those that it judged, and what it made of them."""
    rows = []
    for one in cells:
        told = {each.name: f"{each.accuracy:.3f} {each.outcome}" for each in one.decision.contestants}
        rows.append([*one.title(), *(told.get(way, "") for way in WAYS)])
    show("Accuracy in the race, each picture judged by trainings without it", ("data set", "training", *WAYS), rows)


def show_seconds(cells: Sequence[Judged]) -> None:
    """The same, seconds: of a race, at the mean of the trainings of a way.

    Packs and features are in the first that needs them.
    """
    rows = []
    for one in cells:
        fits = [f"{one.found[way].get('seconds', math.nan):.1f}" for way in WAYS]
        before = one.measured.get("seconds", math.nan), one.decision.seconds
        rows.append([*one.title(), *(f"{seconds:.1f}" for seconds in before), *fits])
    show("Seconds", ("data set", "training", "measured", "race", *(f"fit of {way}" for way in WAYS)), rows)


def show_regrets(cells: Sequence[Judged]) -> None:
    """A row a cell, and then a row a policy."""
    lost = [one.lost() for one in cells]
    rows = [
        [*one.title(), *(f"{100 * each[policy]:+.1f}" if policy in each else "" for policy in POLICIES)]
        for one, each in zip(cells, lost, strict=True)
    ]
    show("Regret in points of accuracy", ("data set", "training", *POLICIES), rows)
    means = [_mean_regret(policy, cells, lost) for policy in POLICIES if any(policy in each for each in lost)]
    heads = ("policy", "cells", "mean regret, points", "95 % interval", "worst", f"within {100 * GOAL:g} points")
    show(f"Regret over {len({one.task.name for one in cells})} data sets", heads, means)


def _mean_regret(policy: str, cells: Sequence[Judged], lost: Sequence[dict[str, float]]) -> list[Cell]:
    groups: dict[str, list[float]] = {}
    for one, each in zip(cells, lost, strict=True):
        if policy in each:
            groups.setdefault(one.task.name, []).append(each[policy])
    every = [value for group in groups.values() for value in group]
    middle, low, high = (100 * value for value in interval(list(groups.values())))
    within = f"{mean([value <= GOAL for value in every], 2):.0%}"
    worst = round(100 * max(every), 1)
    return [POLICIES[policy], len(every), round(middle, 2), f"{low:.2f} to {high:.2f}", worst, within]


def arguments() -> argparse.Namespace:
    """Words of the command line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--sets", type=names(SETS), default=SMALL, help="with commas")
    words.add_argument("--sizes", type=names(("small", "large")), default=["small", "large"])
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--threads", type=int, default=usable_cores(), help="of each training; all cores if not given")
    words.add_argument("--record", type=Path, default=cache() / "regret.jsonl", help="file of fits that are done")
    words.add_argument("--show", action="store_true", help="tables of complete cells on record, without a fit")
    words.add_argument("--quick", action="store_true", help=f"the set discs, {QUICK_TRAINING} training pictures")
    return words.parse_args()


def planned(choices: argparse.Namespace) -> list[Task]:
    """The cells, set by set."""
    if choices.quick:
        return [Task("discs", QUICK_TRAINING, QUICK_TEST, 32, choices.seed, choices.threads)]
    sizes = [("small", "large").index(size) for size in choices.sizes]
    return [
        Task(name, SETS[name].sizes[size], SETS[name].test, SETS[name].pixels, choices.seed, choices.threads)
        for name in choices.sets
        for size in sizes
    ]


def main() -> None:
    choices = arguments()
    keep_freed_memory()
    print(machine())
    journal = Journal(choices.record.with_suffix(".quick.jsonl") if choices.quick else choices.record)
    cells = [cell for cell in planned(choices) if not choices.show or cell.complete(journal)]
    judged = []
    for cell in cells:
        judged.append(cell.judged(journal))
        print(f"{len(judged)} of {len(cells)} cells done", flush=True)
    judged.sort(key=lambda one: (list(SETS).index(one.task.name), one.task.training))
    if not judged:
        raise SystemExit("No cell is complete yet.")
    show_accuracies(judged)
    show_race(judged)
    show_seconds(judged)
    show_regrets(judged)


if __name__ == "__main__":
    main()
