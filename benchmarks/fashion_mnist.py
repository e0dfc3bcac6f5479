"""All 60,000 pictures of Fashion-MNIST: the preset, a race to 0.91 test accuracy, and pictures a second.

    python -m benchmarks.fashion_mnist                     everything, seed 0
    python -m benchmarks.fashion_mnist --seeds 3           seeds 0, 1, 2
    python -m benchmarks.fashion_mnist --only race         one of preset, race, throughput
    python -m benchmarks.fashion_mnist --only race --racers ravine,tuned,plain
    python -m benchmarks.fashion_mnist --quick             6,000 training pictures, an easy target: does it run at all?

The race. Everyone has the same 60,000 training and 10,000 test pictures, the same threads, and a process of their own
for each training; the order of racers turns round from seed to seed. Time goes from the first step of training to the
end of the epoch after which the test accuracy is at the target. The test is not timed, for anyone; compiling during
training is. `ravine fit` runs twice: once without validation pictures, so that it trains on the same 60,000 and
evaluates nothing until it ends; and once with nothing set, where it trains on 54,000 of them, and its seconds contain
validation on the other 6,000 after each epoch. See `race.py` for trainings whose rate rises and falls once.

Peers are scripts in `peers`, in environments that the first race makes from the package index (about 6.5 GB, in
~/.cache/ravine-benchmarks, or in $RAVINE_BENCHMARKS). Each training is written to --record as it ends, and what is
there is not done again: a race that was broken off goes on. Give a new file, or remove the old one, to measure anew.

Throughput: see `throughput.py`.
"""

import argparse
import math
import tempfile
from pathlib import Path

from benchmarks.data.fashion_mnist import TEST_PICTURES, TRAINING_PICTURES, write_npz
from benchmarks.machine import machine
from benchmarks.peers.environments import cache
from benchmarks.process import Fit, fit
from benchmarks.race import RACERS, Racer, Record, Terms, race, table
from benchmarks.table import Cell, median, show
from benchmarks.throughput import throughput
from ravine.device.machine import usable_cores

GOAL_SECONDS, GOAL_ACCURACY = 150, 0.92
QUICK = {"pictures": 6_000, "target": 0.8, "longest": 3, "blocks": 2, "seconds": 1.0}
PARTS = ("preset", "race", "throughput")


def preset(data: Path, seeds: range, folder: Path) -> None:
    """What `ravine fit` does when nothing is set."""
    runs = [fit(data, folder / f"preset-run-{seed}", "--seed", str(seed)) for seed in seeds]
    rows: list[list[Cell]] = [[str(seed), *_row(run)] for seed, run in zip(seeds, runs, strict=True)]
    trains, accuracies = [run.seconds["train"] for run in runs], [run.accuracy for run in runs]
    heads = ("seed", "s, training", "s, fit", "s, process", f"accuracy, {runs[0].tested:,} test")
    show(f"Preset, n = {len(seeds)}", heads, rows)
    print(
        f"\nMedian training {median(trains)} s (goal: under {GOAL_SECONDS} s), "
        f"lowest accuracy {min(accuracies):.4f} (goal: {GOAL_ACCURACY})"
    )


def _row(run: Fit) -> list[Cell]:
    return [
        round(run.seconds["train"], 1),
        round(run.seconds["total"], 1),
        round(run.wall_seconds, 1),
        round(run.accuracy, 4),
    ]


def racers(text: str) -> list[Racer]:
    """By their keys, with commas between; in the order of `RACERS`, so that Ravine is the first."""
    keys, known = set(text.split(",")), [racer.key for racer in RACERS]
    if keys - set(known):
        raise argparse.ArgumentTypeError(f"{text!r} does not name racers; they are {','.join(known)}")
    return [racer for racer in RACERS if racer.key in keys]


def arguments() -> argparse.ArgumentParser:
    """Words of the command line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seeds", type=int, default=1, help="how many: 0 to one less")
    words.add_argument("--only", choices=PARTS, help="one of the tables")
    words.add_argument("--racers", type=racers, default=list(RACERS), help="with commas; all if not given")
    words.add_argument("--record", type=Path, default=cache() / "race.jsonl", help="file of trainings that are done")
    words.add_argument("--target", type=float, default=0.91, help="test accuracy of the race")
    words.add_argument("--longest", type=int, default=20, help="epochs after which anyone gives up")
    words.add_argument("--at-most", type=float, default=math.inf, help="seconds after which peers are stopped")
    words.add_argument("--blocks", type=int, default=6, help="of throughput, for either loop")
    words.add_argument("--seconds", type=float, default=5.0, help="of a block")
    words.add_argument("--pictures", type=int, default=TRAINING_PICTURES, help="training pictures, from the first")
    quick = ", ".join(f"{name} {value}" for name, value in QUICK.items())
    words.add_argument("--quick", action="store_true", help=quick)
    return words


def main() -> None:
    choices = arguments().parse_args()
    if choices.quick:
        vars(choices).update(QUICK)
    seeds, parts = range(choices.seeds), [choices.only] if choices.only else PARTS
    print(machine())
    print(f"{choices.pictures:,} training and {TEST_PICTURES:,} test pictures, {usable_cores()} threads\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "fashion-mnist.npz"
        write_npz(data, choices.pictures)
        if "preset" in parts:
            preset(data, seeds, folder)
        if "race" in parts:
            terms = Terms(data, choices.pictures, choices.target, choices.longest, usable_cores(), choices.at_most)
            table(choices.racers, race(choices.racers, seeds, terms, Record(choices.record)), terms)
    if "throughput" in parts:
        throughput(choices.pictures, choices.blocks, choices.seconds)


if __name__ == "__main__":
    main()
