"""Stochastic depth: the time of an epoch with blocks that are really skipped, over that without it.

    python -m benchmarks.stochastic_depth [--rounds 25]

The residual network, 28 pixels, batches of 32, in turns of 40 steps. How many blocks a step skips is by chance, so that
times are added up, and not their medians taken.
"""

import argparse

from benchmarks.augmentations import THREADS, block, loop
from benchmarks.machine import machine
from benchmarks.rates import interleaved
from benchmarks.table import Cell, show
from ravine.device.machine import threads
from ravine.models.residual import Residual
from ravine.regularize.stochastic_depth import StochasticDepth

GOAL = 0.82


def main() -> None:
    """Measure."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=25)
    rounds = words.parse_args().rounds
    print(machine())
    rows: list[tuple[Cell, ...]] = []
    for cores in (1, THREADS):
        with threads(cores):
            candidates = {
                "with": block(loop(32, [StochasticDepth(p=0.5)], Residual())),
                "without": block(loop(32, (), Residual())),
            }
            rates = interleaved(candidates, rounds)
        times = {name: sum(1 / rate for rate in values) for name, values in rates.items()}
        rows.append((str(cores), f"{times['with'] / times['without']:.3f}", f"at most {GOAL}"))
    heads = ("threads", "time with, over without", "goal")
    show(f"Stochastic depth, six blocks, survival 0.5 at the last, {rounds} rounds", heads, rows)


if __name__ == "__main__":
    main()
