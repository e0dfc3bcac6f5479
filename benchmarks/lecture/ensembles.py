"""Dropout as an ensemble, and snapshots against independent members for the same number of steps; five seeds."""

from typing import Any

import numpy as np

from benchmarks.lecture.demo import SEEDS, scratch
from benchmarks.lecture.intervals import difference, interval
from benchmarks.lecture.pictures import Worth, said, worth
from benchmarks.table import Cell, show
from ravine.ensemble.monte_carlo import MonteCarlo
from ravine.experiment.stages import Stages
from ravine.stats.calibration import probabilities

PASSES = 50
NETWORK: dict[str, Any] = {"model": "mlp", "model.width": 128, "optimizer.lr": 0.02, "refit": False, "compiled": False}
CYCLES, EPOCHS = 5, 40


def dropout() -> None:
    """The mean of 50 masked passes against the one scaled pass, for one masked layer and for two."""
    rows: list[list[Cell]] = []
    for depth, where in ((1, "before_head"), (2, "both")):
        plan = {**NETWORK, "model.depth": depth, "epochs": 20, "members": SEEDS}
        source = scratch({**plan, "dropout.p": 0.5, "dropout.where": where})
        population = source.train(source.split.train, range(SEEDS), "choose", Stages()).population
        scaled = [said(network.eval(), source.plan.picture) for network in population.networks]
        together = MonteCarlo(passes=PASSES)
        passes = [said(together.finish(network).eval(), source.plan.picture) for network in population.networks]
        apart = [
            np.abs(probabilities(one) - probabilities(other)).max(1) for one, other in zip(scaled, passes, strict=True)
        ]
        rows.append(
            [
                f"{depth}",
                f"{np.mean(apart):.3f}",
                f"{np.mean([np.quantile(one, 0.99) for one in apart]):.2f}",
                *_beside([worth(one) for one in passes], [worth(one) for one in scaled]),
            ]
        )
    heads = ("masked layers", "largest |Δp|, mean", "99 %", "accuracy, scaled", "mean of passes", "NLL, scaled", "mean")
    show(f"Dropout 0.5 at test: mean of {PASSES} passes against one scaled pass, {SEEDS} seeds", heads, rows)


def _beside(ours: list[Worth], theirs: list[Worth]) -> list[Cell]:
    cells: list[Cell] = []
    for measure in ("accuracy", "nll"):
        values, others = (np.array([getattr(one, measure) for one in part]) for part in (ours, theirs))
        cells += [interval(others), difference(values, others)]
    return cells


def snapshots() -> None:
    """Three ways to spend the steps of one training: one network, five snapshots of it, five members of a fifth."""
    plans: dict[str, dict[str, Any]] = {
        f"one network, one cycle, {EPOCHS} epochs": {"epochs": EPOCHS},
        f"{CYCLES} snapshots, {EPOCHS} epochs": {
            "epochs": EPOCHS,
            "schedule": "cosine_restarts",
            "schedule.first": 1 / CYCLES,
            "ensemble": "snapshot",
        },
        f"{CYCLES} independent members, {EPOCHS // CYCLES} epochs each": {
            "epochs": EPOCHS // CYCLES,
            "members": CYCLES,
            "ensemble": "independent",
        },
    }
    found = {
        name: [_fitted({**NETWORK, **plan, "seed": CYCLES * seed}) for seed in range(SEEDS)]
        for name, plan in plans.items()
    }
    base = next(iter(found.values()))
    rows: list[list[Cell]] = [[name, *_beside(own, base)] for name, own in found.items()]
    heads = ("steps spent on", "accuracy of one network", "gain", "NLL of one network", "gain")
    show(f"Snapshots and members, mlp on the demo, {SEEDS} seeds", heads, rows)


def _fitted(settings: dict[str, Any]) -> Worth:
    source = scratch(settings)
    return worth(said(source.fit(Stages()).network, source.plan.picture))


def main() -> None:
    """Both."""
    dropout()
    snapshots()
