"""What the measured decision about transfer learning loses against the best one, on eleven data sets of two sizes.

    python -m benchmarks.regret                            all sets, both sizes
    python -m benchmarks.regret --sets photos,glyphs       some of them
    python -m benchmarks.regret --sizes small              the smaller training parts; or large
    python -m benchmarks.regret --show                     the tables of what is on record, nothing is fitted
    python -m benchmarks.regret --quick                    a set of 80 pictures: does it run at all?

For each data set and size, first `transfer=auto` decides, with its measurements and its race, which see training
pictures alone, and ends with the fit of what it chose to all of them. Then every other candidate is fitted to all
training pictures, and each answers the test pictures. All fits of a cell share one process, packs and stored features:
the seconds of auto hold them, those of the other candidates do not.

The oracle takes the candidate that is best on one half of the test pictures, and is scored on the other half, as all
policies are; see `oracle.py`. The policies: Ravine's decision; always the same candidate; the candidate that the
textbook's table names for the number of pictures alone, or for the measured cell without a race. Means have a 95 %
bootstrap interval over data sets, whose two sizes stay together.

Each fit is written to --record as it ends, and what is there is not done again.
"""

import argparse
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
from benchmarks.table import Cell, mean, show
from benchmarks.ways import WAYS, Bench, unpressed
from ravine.device.allocator import keep_freed_memory
from ravine.device.machine import usable_cores

GOAL = 0.005
QUICK_TRAINING, QUICK_TEST = 80, 200
ALL = ("auto", *WAYS)
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

    def asked(self, way: str) -> dict[str, Any]:
        """What tells a fit from others."""
        return {**vars(self), "way": way, "threads": usable_cores()}

    def fits(self, journal: Journal) -> dict[str, dict[str, Any]]:
        """The decision and every candidate, by way."""
        with tempfile.TemporaryDirectory() as folder:
            make = partial(picture_set, self.name, self.training, self.test)
            bench = Bench(Path(folder), make, {"picture.size": self.pixels})
            auto = journal.result(self.asked("auto"), partial(bench.fit, "auto", self.seed))
            found = {"auto": auto, chosen(auto): auto}
            for way in WAYS:
                if way not in found:
                    found[way] = journal.result(self.asked(way), partial(bench.fit, way, self.seed))
            return found

    def complete(self, journal: Journal) -> bool:
        """Whether all of it is on record."""
        if not journal.has(self.asked("auto")):
            return False
        taken = chosen(journal.result(self.asked("auto"), dict))
        return all(journal.has(self.asked(way)) for way in WAYS if way != taken)


def chosen(auto: dict[str, Any]) -> str:
    """What auto has chosen, and fitted to all training pictures; nothing where it failed."""
    return (auto.get("decision") or {}).get("chosen", "")


@dataclass(frozen=True, eq=False)
class Judged:
    """The fits of a cell, and what each policy would have lost."""

    task: Task
    found: dict[str, dict[str, Any]]

    @property
    def decision(self) -> dict[str, Any]:
        """What auto said of its decision; empty where it failed."""
        return self.found["auto"].get("decision") or {}

    def choices(self) -> dict[str, str]:
        """The candidate that each policy takes, where that could be fitted."""
        taken = {
            "ravine": self.decision.get("chosen"),
            "textbook": self.decision.get("textbook"),
            "size": self.decision.get("by_number_alone"),
            **{way: way for way in WAYS},
        }
        return {policy: way for policy, way in taken.items() if way in self.fitted()}

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
        told = [str(one.decision.get(key, "")) for key in ("chosen", "textbook", "by_number_alone")]
        rows.append([*one.title(), *values, *told])
    heads = ("data set", "training", *WAYS, "Ravine's choice", "textbook", "by number")
    show("Accuracy on test pictures, each candidate fitted to all training pictures", heads, rows)


def show_seconds(cells: Sequence[Judged]) -> None:
    """The same, seconds; the candidate that auto chose is part of auto."""
    rows = []
    for one in cells:
        took = {way: f"{one.found[way].get('seconds', float('nan')):.1f}" for way in ALL}
        took |= {one.decision["chosen"]: "in auto"} if one.decision else {}
        rows.append([*one.title(), *took.values()])
    show("Seconds of a fit; auto began with nothing stored", ("data set", "training", *ALL), rows)


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
    words.add_argument("--sets", type=names(SETS), default=list(SETS), help="with commas")
    words.add_argument("--sizes", type=names(("small", "large")), default=["small", "large"])
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--record", type=Path, default=cache() / "regret.jsonl", help="file of fits that are done")
    words.add_argument("--show", action="store_true", help="tables of complete cells on record, without a fit")
    words.add_argument("--quick", action="store_true", help=f"the set discs, {QUICK_TRAINING} training pictures")
    return words.parse_args()


def planned(choices: argparse.Namespace) -> list[Task]:
    """The cells, the smaller parts of all sets first."""
    if choices.quick:
        return [Task("discs", QUICK_TRAINING, QUICK_TEST, 32, choices.seed)]
    sizes = [("small", "large").index(size) for size in choices.sizes]
    return [
        Task(name, SETS[name].sizes[size], SETS[name].test, SETS[name].pixels, choices.seed)
        for size in sizes
        for name in choices.sets
    ]


def main() -> None:
    choices = arguments()
    keep_freed_memory()
    print(machine())
    journal = Journal(choices.record.with_suffix(".quick.jsonl") if choices.quick else choices.record)
    cells = [cell for cell in planned(choices) if not choices.show or cell.complete(journal)]
    judged = []
    for cell in cells:
        judged.append(Judged(cell, cell.fits(journal)))
        print(f"{len(judged)} of {len(cells)} cells done", flush=True)
    judged.sort(key=lambda one: (list(SETS).index(one.task.name), one.task.training))
    if not judged:
        raise SystemExit("No cell is complete yet.")
    show_accuracies(judged)
    show_seconds(judged)
    show_regrets(judged)


if __name__ == "__main__":
    main()
