"""What Newton's method costs as parameters grow, beside a step of L-BFGS; and L-BFGS on mini-batches."""

import time

import numpy as np
import torch

from benchmarks.lecture.demo import scratch
from benchmarks.table import Cell, show
from ravine.experiment.stages import Stages
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.newton import hessians
from ravine.train.full_batch import FullBatch

CHUNK = 500


def cost() -> None:
    """Seconds and bytes of a Hessian and its Cholesky factor, on 500 pictures."""
    rows: list[list[Cell]] = []
    for width in (1, 2, 4, 8):
        source = scratch({"model": "mlp", "model.width": width, "model.depth": 1})
        population = source.population([0])
        images, labels = torch.as_tensor(source.pack.images), torch.as_tensor(source.pack.labels)
        loss = FullBatch(population, images, labels, source.split.train[:CHUNK], source.plan.picture)
        theta, row = population.theta.clone(), torch.tensor([0])
        began = time.perf_counter()
        loss(theta, row)
        gradient = time.perf_counter() - began
        began = time.perf_counter()
        hessian = hessians(loss, theta, row)[0]
        formed = time.perf_counter() - began
        began = time.perf_counter()
        torch.linalg.cholesky_ex(hessian + torch.eye(len(hessian)))
        factored = time.perf_counter() - began
        parameters = len(hessian)
        history = 2 * LBFGS().history * parameters * 4
        rows.append(
            [
                f"{parameters:,}",
                f"{1e3 * gradient:.0f} ms",
                f"{formed:.2f} s",
                f"{factored:.3f} s",
                f"{hessian.numel() * 4 / 2**20:,.1f} MiB",
                f"{history / 2**20:.2f} MiB",
            ]
        )
    heads = ("parameters", "one gradient", "forming H", "factoring H", "H in memory", "L-BFGS history")
    show("Newton's cost, 500 pictures, float32", heads, rows)


def batches() -> None:
    """L-BFGS over all pictures, and on mini-batches as if each were everything; the same number of passes."""
    rows: list[list[Cell]] = []
    settings = {"model": "mlp", "model.width": 64, "model.depth": 1, "optimizer": "lbfgs", "refit": False}
    for name, more in (
        ("all 1,700 pictures", {"epochs": 60}),
        ("mini-batches of 340, ten steps each", {"epochs": 4, "batch_size": 340, "allow_minibatch": True}),
        ("mini-batches of 34, ten steps each", {"epochs": 4, "batch_size": 34, "allow_minibatch": True}),
    ):
        history = scratch(settings | more).fit(Stages()).history
        best = min(epoch.validation_nll or np.inf for epoch in history)
        rows.append(
            [name, f"{history[-1].validation_nll:.3f}", f"{best:.3f}", f"{history[-1].validation_accuracy:.3f}"]
        )
    show(
        "L-BFGS on the demo, mlp",
        ("gradients over", "validation NLL at the end", "best on the way", "accuracy at the end"),
        rows,
    )


def main() -> None:
    """Both."""
    cost()
    batches()
