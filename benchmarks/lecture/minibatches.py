"""L-BFGS where gradients come from mini-batches: fixed for ten steps, or new at every evaluation; five seeds."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.lecture.demo import SEEDS, scratch
from benchmarks.lecture.intervals import interval
from benchmarks.lecture.pictures import said, worth
from benchmarks.table import Cell, show
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.train.full_batch import FullBatch
from ravine.train.state import Population

NETWORK: dict[str, Any] = {
    "model": "mlp",
    "model.width": 64,
    "model.depth": 1,
    "optimizer": "lbfgs",
    "penalty.strength": 1e-4,
    "members": SEEDS,
    "refit": False,
}
SMALL = 34
PASSES, EVALUATIONS = 60, 1_000
FIXED: dict[str, dict[str, Any]] = {
    "all 1,700 pictures, 60 passes": {"epochs": PASSES},
    "fixed batches of 340, ten steps each, 4 epochs": {"epochs": 4, "batch_size": 340, "allow_minibatch": True},
    f"fixed batches of {SMALL}, ten steps each, 4 epochs": {"epochs": 4, "batch_size": SMALL, "allow_minibatch": True},
}


def fixed(settings: dict[str, Any]) -> tuple[Scratch, Population]:
    """Trained as the plan says."""
    source = scratch(NETWORK | settings)
    return source, source.train(source.split.train, range(SEEDS), "choose", Stages()).population


def changing() -> tuple[Scratch, Population, str]:
    """A batch of 34 drawn anew whenever the loss is asked for, so that each line search compares different losses.

    Returns:
        The plan, the members, and after how many evaluations the first and the last of them ended.
    """
    source = scratch(NETWORK | {"epochs": PASSES})
    population = source.population(range(SEEDS), range(SEEDS))
    images, labels = torch.as_tensor(source.pack.images), torch.as_tensor(source.pack.labels)
    draws = np.random.default_rng(0)

    def loss(theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        batch: NDArray[np.int64] = draws.choice(source.split.train, SMALL, replace=False)
        penalties = source.plan.penalty or ()
        return FullBatch(population, images, labels, batch, source.plan.picture, penalties)(theta, rows)

    found = LBFGS().run(loss, population.theta.clone(), max_steps=EVALUATIONS, max_evaluations=EVALUATIONS, gtol=1e-7)
    population.theta.copy_(found.theta)
    return source, population, f"{int(found.evaluations.min())} to {int(found.evaluations.max())}"


def main() -> None:
    """Four ways to ask for the gradient."""
    trainings = {name: fixed(settings) for name, settings in FIXED.items()}
    source, population, ended = changing()
    trainings[f"a new batch of {SMALL} at every evaluation, ended after {ended}"] = source, population
    rows: list[list[Cell]] = []
    for name, (source, population) in trainings.items():
        far = [worth(said(network, source.plan.picture)) for network in population.networks]
        accuracy, nll = (np.array([getattr(one, measure) for one in far]) for measure in ("accuracy", "nll"))
        rows.append([name, interval(accuracy), interval(nll)])
    show(f"L-BFGS on the demo, mlp of 64 units, {SEEDS} seeds", ("gradients over", "test accuracy", "test NLL"), rows)
