"""Eager and compiled passes, and what `graph = auto` makes of them: four trainings from 10 seconds to 5 minutes.

    python -m benchmarks.graphs                 all four, 150 steps of each are timed
    python -m benchmarks.graphs --shortest 2    the two shortest
    python -m benchmarks.graphs --timed 40      fewer steps: quicker, and less sure

A training is not run to its end: auto, eager and compiled passes take turns for a number of steps, and the total is
what came before the first step (the decision, and compiling, with nothing compiled by an earlier run) and the median
step times the number of steps. `auto` is told the whole number of steps. Where it came to eager, its steps are the same
code as eager ones, and both are timed as one; so also where it came to compiled. A step is forward pass, backward pass
and update, on random pictures of 28 pixels, with all cores.
"""

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.machine import machine
from benchmarks.options import parser
from benchmarks.table import Cell, show
from ravine.device.machine import usable_cores
from ravine.models.architecture import Architecture
from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.optim.nesterov import Nesterov
from ravine.schedules.constant import Constant
from ravine.train.graph import Graph, Wish
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

GOAL = 1.03
WISHES: tuple[Wish, ...] = ("auto", "eager", "compiled")
WARM_UP = 3


@dataclass(frozen=True)
class Case:
    """A training: a network, the pictures in a batch, the number of steps."""

    name: str
    architecture: Architecture
    batch: int
    steps: int


CASES = (
    Case("mlp", MLP(), 32, 8_000),
    Case("small_cnn", SmallCNN(), 32, 2_000),
    Case("small_cnn", SmallCNN(), 128, 2_954),
    Case("residual", Residual(), 32, 6_000),
)


class Run:
    """One training with one wish."""

    def __init__(self, case: Case, wish: Wish, folder: Path) -> None:
        self.population = Population(case.architecture, PictureShape(1, 28, 10), [0])
        self.population.networks[0].train()
        slabs = (self.population.theta, self.population.gradient)
        self.stepper = Stepper(
            Nesterov(lr=0.01), Constant(), [], self.population.layout, *slabs, case.steps, compiled=False
        )
        self.graph = Graph(wish, folder=folder / wish)
        generator = torch.Generator().manual_seed(0)
        self.pixels = torch.rand(case.batch, 28, 28, 1, generator=generator).movedim(-1, 1)
        self.targets = torch.randint(0, 10, (case.batch,), generator=generator)
        self.steps = case.steps

    def step(self) -> float:
        """Seconds of one step."""
        began = time.perf_counter()
        self.population.gradient.zero_()
        self.graph.loss(self.population.networks[0], self.pixels, self.targets, lambda: self.steps).backward()
        self.stepper.step()
        return time.perf_counter() - began


def measure(case: Case, timed: int, folder: Path) -> list[list[Cell]]:
    """A row a wish."""
    runs = {wish: Run(case, wish, folder) for wish in WISHES}
    first = {wish: run.step() for wish, run in runs.items()}
    for run in runs.values():
        for _ in range(WARM_UP):
            run.step()
    seconds: dict[str, list[float]] = {"eager": [], "compiled": []}
    for _ in range(timed):
        for run in runs.values():
            seconds[str(run.graph.choice)].append(run.step())
    if not seconds["compiled"]:
        raise SystemExit(runs["compiled"].graph.reason)
    steps = {wish: statistics.median(seconds[str(run.graph.choice)]) for wish, run in runs.items()}
    before = {wish: max(0.0, first[wish] - steps[wish]) for wish in WISHES}
    if runs["auto"].graph.choice == "compiled":
        before["compiled"] = before["auto"]
    totals = {wish: before[wish] + case.steps * steps[wish] for wish in WISHES}
    better = min(totals["eager"], totals["compiled"])
    rows: list[list[Cell]] = []
    for wish, run in runs.items():
        figures = (round(before[wish], 2), round(1000 * steps[wish], 2), round(totals[wish], 1))
        ratio = round(totals[wish] / better, 3)
        rows.append([f"{case.name}, {case.batch}", case.steps, wish, str(run.graph.choice), *figures, ratio])
    return rows


def main() -> None:
    words = parser(__doc__, "0")
    words.add_argument("--shortest", type=int, default=len(CASES), help="so many of the four, from the shortest on")
    words.add_argument("--timed", type=int, default=150, help="steps of each that are timed")
    choices = words.parse_args()
    print(machine())
    torch.set_num_threads(usable_cores())
    rows: list[list[Cell]] = []
    with tempfile.TemporaryDirectory() as name:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = name
        for case in CASES[: choices.shortest]:
            rows += measure(case, choices.timed, Path(name))
    heads = ("network, batch", "steps", "graph", "came to", "s, before", "ms, step", "s, total", "over the better")
    show("Forward pass, backward pass and update", heads, rows)
    ratios = [row[-1] for row in rows if row[2] == "auto"]
    print(f"\nauto over the better of both, at most: {max(map(float, ratios)):.3f} (goal: {GOAL})")


if __name__ == "__main__":
    main()
