"""What the measured decision about transfer learning loses against the best one, on eleven data sets of two sizes.

    python -m benchmarks.regret                            all sets, both sizes, seed 0
    python -m benchmarks.regret --sets photos,glyphs       some of them
    python -m benchmarks.regret --sizes small              the smaller training parts; or large
    python -m benchmarks.regret --seeds 0,1,2,3,4          each seed draws pictures anew, and starts trainings anew
    python -m benchmarks.regret --show                     the tables of what is on record, without a training
    python -m benchmarks.regret --quick                    a set of 80 pictures: does it run at all?

For each data set, size and seed, the table's axes are measured, the program's own race decides, and every candidate is
trained on all training pictures as a fit ends, and answers the test pictures; see `replay.py`.

The oracle takes the candidate that is best on one half of the test pictures, and is scored on the other half, as all
policies are; see `oracle.py`. The policies: Ravine's decision; always the same candidate; the candidate that the
textbook's table names for the number of pictures alone, or for the measured cell without a race. Means have a 95 %
bootstrap interval over data sets, whose sizes and seeds stay together.

Each training is written to --record as soon as it is done, and what is there is not done again, so that a change of the
rule costs the trainings that it alone asks for. After a change of trainings or of folds, give a new record.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data.transfer_sets import SETS, picture_set
from benchmarks.journal import Journal, NotOnRecordError
from benchmarks.machine import machine
from benchmarks.options import names, seeds
from benchmarks.peers.environments import cache
from benchmarks.regret_tables import Judged, show_all
from benchmarks.replay import Contest
from ravine.device.allocator import keep_freed_memory
from ravine.device.machine import usable_cores
from ravine.plan.alternatives import WAYS

SMALL = [name for name, source in SETS.items() if source.pixels <= 96]
QUICK_TRAINING, QUICK_TEST = 80, 200

Result = Callable[[Mapping[str, Any], Callable[[], Mapping[str, Any]]], dict[str, Any]]
"""What is on record of what was asked, or else what the function finds."""


@dataclass(frozen=True)
class Task:
    """A data set with one number of training pictures and one seed."""

    name: str
    training: int
    test: int
    pixels: int
    seed: int
    threads: int

    def asked(self, what: str, way: str) -> dict[str, Any]:
        """What tells a result from others."""
        return {**vars(self), "what": what, "way": way}

    def judged(self, result: Result) -> Judged:
        """The decision, and what every candidate would have reached.

        Raises:
            NotOnRecordError: Something is not on record, and `result` finds nothing that is not.
        """
        settings = {"picture.size": self.pixels, "threads": self.threads}
        with tempfile.TemporaryDirectory() as folder:
            contest = Contest(partial(self._written, Path(folder)), Path(folder) / "cache", settings, self.seed)
            measured = result(self.asked("measured", "none"), contest.measured)
            found = {way: result(self.asked("trained", way), partial(contest.fitted, way)) for way in WAYS}
            decision = contest.decided(lambda way, number, work: result(self.asked(f"raced {number}", way), work))
            return Judged(self.name, self.training, self.test, measured, decision, found)

    def _written(self, folder: Path) -> Path:
        source = folder / "pictures.npz"
        picture_set(self.name, self.training, self.test, self.seed).write(source)
        return source


def arguments() -> argparse.Namespace:
    """Words of the command line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--sets", type=names(SETS), default=SMALL, help="with commas")
    words.add_argument("--sizes", type=names(("small", "large")), default=["small", "large"])
    words.add_argument("--seeds", type=seeds, default=[0], help="with commas; 0 if not given")
    words.add_argument("--threads", type=int, default=usable_cores(), help="of each training; all cores if not given")
    words.add_argument("--record", type=Path, default=cache() / "regret.jsonl", help="file of trainings that are done")
    words.add_argument("--show", action="store_true", help="tables of complete cells on record, without a training")
    words.add_argument("--quick", action="store_true", help=f"the set discs, {QUICK_TRAINING} training pictures")
    return words.parse_args()


def planned(choices: argparse.Namespace) -> list[Task]:
    """The cells, seed by seed."""
    if choices.quick:
        return [Task("discs", QUICK_TRAINING, QUICK_TEST, 32, seed, choices.threads) for seed in choices.seeds]
    sizes = [("small", "large").index(size) for size in choices.sizes]
    return [
        Task(name, SETS[name].sizes[size], SETS[name].test, SETS[name].pixels, seed, choices.threads)
        for seed in choices.seeds
        for name in choices.sets
        for size in sizes
    ]


def main() -> None:
    choices = arguments()
    keep_freed_memory()
    print(machine())
    journal = Journal(choices.record.with_suffix(".quick.jsonl") if choices.quick else choices.record)
    tasks, judged = planned(choices), []
    for number, task in enumerate(tasks, 1):
        try:
            judged.append(task.judged(journal.known if choices.show else journal.result))
        except NotOnRecordError:
            print(f"{task.name}, {task.training}, seed {task.seed}: not on record")
            continue
        print(f"{number} of {len(tasks)} cells done", flush=True)
    if not judged:
        raise SystemExit("No cell is complete yet.")
    show_all(sorted(judged, key=lambda one: (list(SETS).index(one.name), one.training)))


if __name__ == "__main__":
    main()
