"""Zigzag, saddles, dying steps, first steps, and where the rate stands: on functions whose answer is known."""

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from benchmarks.table import Cell, show
from ravine.base.layout import Layout
from ravine.interfaces import Rule
from ravine.optim import minimize
from ravine.optim.adagrad import Adagrad
from ravine.optim.adam import Adam
from ravine.optim.momentum import Momentum
from ravine.optim.nesterov import Nesterov
from ravine.optim.rmsprop import RMSProp
from ravine.optim.sgd import SGD
from ravine.schedules.step import StepDecay
from ravine.train.step import Stepper

CONDITION = 100.0


def zigzag() -> None:
    """½(x² + 100 y²): every rule at the rates that theory calls best."""
    root = sqrt(CONDITION)
    curvature = torch.tensor([1.0, CONDITION], dtype=torch.float64)
    rules: list[tuple[str, Rule, float]] = [
        ("sgd", SGD(lr=2 / (1 + CONDITION)), (CONDITION - 1) / (CONDITION + 1)),
        (
            "momentum",
            Momentum(lr=4 / (root + 1) ** 2, momentum=((root - 1) / (root + 1)) ** 2),
            (root - 1) / (root + 1),
        ),
        ("nesterov", Nesterov(lr=1 / CONDITION, momentum=(root - 1) / (root + 1)), sqrt(1 - 1 / root)),
    ]
    rows: list[list[Cell]] = []
    for name, rule, rate in rules:
        found = minimize(
            lambda x: 0.5 * (curvature * x * x).sum(),
            torch.ones(2, dtype=torch.float64),
            rule,
            gtol=1e-6,
            max_steps=5_000,
        )
        signs = torch.sign(found.path[:, 1])
        turns = int((signs[1:] * signs[:-1] < 0).sum())
        rows.append([name, str(found.steps), f"{turns / found.steps:.0%}", f"{rate:.3f}"])
    heads = ("rule", "steps to |g| ≤ 1e-6", "steps that turn round across the valley", "theory: error a step")
    show(f"Zigzag: condition {CONDITION:.0f}", heads, rows)


def saddle() -> None:
    """100 dimensions, ten of them with negative curvature; started 1e-8 beside the saddle's stable directions."""
    curvature = torch.cat([torch.linspace(0.1, 1, 90), -torch.full((10,), 0.05)]).double()

    def value(x: Tensor) -> Tensor:
        return 0.5 * (curvature * x * x).sum() + 0.025 * (x[90:] ** 4).sum()

    start = torch.cat([torch.ones(90), torch.full((10,), 1e-8)]).double()
    low = 0.9 * -0.0625  # nine tenths of the way down to the minimum, where each of the ten has x² = ½
    rows: list[list[Cell]] = []
    for name, rule, noise in (
        ("sgd", SGD(lr=0.5), 0.0),
        ("sgd with noise 0.001 in the gradient", SGD(lr=0.5), 1e-3),
        ("momentum 0.9", Momentum(lr=0.5, momentum=0.9), 0.0),
    ):
        generator = torch.Generator().manual_seed(0)

        def noisy(x: Tensor, noise: float = noise, generator: torch.Generator = generator) -> Tensor:
            draw = torch.randn(len(x), generator=generator, dtype=x.dtype)
            return value(x) + noise * (draw * x).sum()

        found = minimize(noisy, start, rule, gtol=0.0, max_steps=3_000)
        values = torch.stack([value(x) for x in found.path])
        stalled = int(((values.abs() < 1e-3) & (values > low)).sum())
        down = (values < low).nonzero()
        rows.append([name, str(int(down[0])) if len(down) else "never in 3,000", str(stalled)])
    show("Saddle in 100 dimensions", ("rule", "steps until it is left", "steps within 0.001 of its value"), rows)
    print(
        f"Least curvature at the saddle: {least_curvature(value, torch.zeros(100, dtype=torch.float64)):.6f} found by "
    )
    print("60 Hessian–vector products (power iteration on I − H); true: −0.05")


def least_curvature(value: Callable[[Tensor], Tensor], x: Tensor, products: int = 60) -> float:
    """The least eigenvalue of the Hessian, by power iteration on I − H; its spectrum lies in [−1, 1]."""
    v = torch.randn(len(x), generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    for _ in range(products):
        v = v / v.norm()
        v = v - _product(value, x, v)
    v = v / v.norm()
    return float(v @ _product(value, x, v))


def _product(value: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """The Hessian at x times v, by differentiating twice."""
    at = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(value(at), at, create_graph=True)
    return torch.autograd.grad(slope @ v, at)[0]


def dying_steps() -> None:
    """A constant gradient of 1: how long the next step is."""
    rows: list[list[Cell]] = []
    for name, rule in (("adagrad", Adagrad(lr=0.1)), ("rmsprop", RMSProp(lr=0.1)), ("sgd", SGD(lr=0.1))):
        found = minimize(lambda x: x.sum(), torch.zeros(1, dtype=torch.float64), rule, gtol=0.0, max_steps=10_001)
        moves = (found.path[1:] - found.path[:-1]).abs()[:, 0]
        rows.append([name, *(f"{float(moves[place - 1]):.4f}" for place in (1, 10, 100, 1_000, 10_000))])
    show("Dying steps: gradient 1, lr 0.1", ("rule", "step 1", "10", "100", "1,000", "10,000"), rows)


def first_steps() -> None:
    """Adam's first steps on a constant gradient, and epsilon against small gradients."""
    rows: list[list[Cell]] = []
    for name, rule, size in (
        ("as published", Adam(lr=0.001), 1.0),
        ("without bias correction", Adam(lr=0.001, bias_correction=False), 1.0),
        ("as published, gradient 1e-6", Adam(lr=0.001), 1e-6),
        ("epsilon inside the root, gradient 1e-6", Adam(lr=0.001, epsilon="inside_root"), 1e-6),
    ):
        start = torch.zeros(1, dtype=torch.float64)
        found = minimize(lambda x, size=size: size * x.sum(), start, rule, gtol=0.0, max_steps=1_000)
        moves = (found.path[1:] - found.path[:-1]).abs()[:, 0] / 0.001
        rows.append([name, *(f"{float(moves[place - 1]):.3f}" for place in (1, 2, 5, 20, 1_000))])
    show("Adam's steps, in units of lr", ("form", "step 1", "2", "5", "20", "1,000"), rows)


def rate_inside_and_outside() -> None:
    """A rate that falls to a tenth after half of the steps: how far momentum still coasts."""
    rows: list[list[Cell]] = []
    for form in ("rate_outside", "rate_inside"):
        theta, gradient = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
        rule, schedule = Momentum(lr=0.1, momentum=0.9, form=form), StepDecay(every=100, gamma=0.1, unit="step")
        stepper = Stepper(rule, schedule, (), Layout.flat(1), theta, gradient, total_steps=200, compiled=False)
        moves = []
        for _ in range(130):
            before = theta.clone()
            stepper.step()
            moves.append(float((before - theta).abs()))
        rows.append([form, *(f"{moves[place - 1]:.3f}" for place in (100, 101, 105, 110, 130))])
    show(
        "Momentum when the rate falls to a tenth after step 100", ("form", "step 100", "101", "105", "110", "130"), rows
    )


def main() -> None:
    """All of them."""
    zigzag()
    saddle()
    dying_steps()
    first_steps()
    rate_inside_and_outside()
