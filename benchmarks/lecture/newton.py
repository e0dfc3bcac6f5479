"""What Newton's method costs as parameters grow, beside a step of L-BFGS."""

import time

import torch

from benchmarks.lecture.demo import scratch
from benchmarks.table import Cell, show
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.newton import hessians
from ravine.train.full_batch import FullBatch

CHUNK = 500


def cost() -> None:
    """Seconds and bytes of a Hessian and its Cholesky factor, on 500 pictures."""
    rows: list[list[Cell]] = []
    for width in (1, 2, 4, 8):
        source = scratch({"model": "mlp", "model.width": width, "model.depth": 1})
        population = source.population([0], [0])
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


def main() -> None:
    """The table."""
    cost()
