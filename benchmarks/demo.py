"""The embedded demo: how long it takes, and how good it is on Fashion-MNIST's own 10,000 test pictures.

    python -m benchmarks.demo              seeds 0, 1, 2
    python -m benchmarks.demo --seeds 0    one run

Each run is `ravine fit demo` in a new process. The demo trains on 2,000 rows of Fashion-MNIST's training part and tests
on 500 more; the 10,000 test pictures are not part of it.
"""

import tempfile
from pathlib import Path

import numpy as np

import ravine
from benchmarks.data.fashion_mnist import read
from benchmarks.machine import machine
from benchmarks.options import parser
from benchmarks.process import Fit, fit
from benchmarks.table import mean, median, show

GOAL_SECONDS, GOAL_ACCURACY = 60, 0.85


def accuracy(model: Path, x: np.ndarray, y: np.ndarray) -> float:
    """Share of pictures whose most probable class is the right one; classes of the demo are in label order."""
    loaded = ravine.load(model)
    right = [loaded.classes[label] == said.label for label, said in zip(y, loaded.predict(x), strict=True)]
    return float(np.mean(right))


def main() -> None:
    seeds = parser(__doc__, "0,1,2").parse_args().seeds
    x, y = read("t10k")
    print(machine())
    runs: list[Fit] = []
    far: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            runs.append(fit("demo", Path(folder) / str(seed), "--seed", str(seed)))
            far.append(accuracy(runs[-1].folder / "model.ravine", x, y))
    rows = [
        (
            str(seed),
            round(run.wall_seconds, 1),
            round(run.seconds["total"], 1),
            round(run.seconds["train"], 1),
            round(run.accuracy, 3),
            round(there, 4),
        )
        for seed, run, there in zip(seeds, runs, far, strict=True)
    ]
    walls, totals, trains = (median([row[column] for row in rows]) for column in (1, 2, 3))
    middle = ("median / mean", walls, totals, trains, mean([row[4] for row in rows]), mean(far, 4))
    own, n = f"accuracy, own {runs[0].tested}", len(y)
    heads = ("seed", "s, process", "s, fit", "s, training", own, f"accuracy, {n:,} test pictures")
    show(f"Embedded demo, n = {len(seeds)} seeds: median seconds, mean accuracy", heads, [*rows, middle])
    print(f"\nGoals: process under {GOAL_SECONDS} s (took {walls / GOAL_SECONDS:.2f} of it),", end=" ")
    print(f"accuracy on the {n:,} at least {GOAL_ACCURACY} (lowest seed {min(far):.4f})")


if __name__ == "__main__":
    main()
