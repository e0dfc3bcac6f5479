"""Muon against its definition, member by member and layer by layer."""

from math import prod
from typing import Literal

import pytest
import torch
from optim_population import Problem, by_hand, spread, trained
from torch import Tensor

from ravine.base.layout import Layout
from ravine.optim.muon import Muon

LR, MU, LAMBDA, ADAM_LR = spread(0.001, 0.02), spread(0.5, 0.95), spread(0.0, 0.1), spread(0.001, 0.01)
BETA1, BETA2 = spread(0.5, 0.9), spread(0.9, 0.99)
LAYOUT = Layout.of(
    [
        ("convolution", (4, 2, 3, 3), "weight"),
        ("norm", (4,), "norm"),
        ("hidden", (5, 3), "weight"),
        ("bias", (5,), "bias"),
        ("head", (3, 5), "weight"),
    ]
)


def _orthogonalized(matrix: Tensor) -> Tensor:
    """Jordan's zeropower_via_newtonschulz5, in float64."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / torch.linalg.norm(x)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + b * gram @ x + c * gram @ gram @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def _by_hand(member: int, head: str, nesterov: bool, adjust: str):
    muon = {"convolution", "hidden"} | ({"head"} if head == "muon" else set())
    m = {slot.name: torch.zeros(slot.size, dtype=torch.float64) for slot in LAYOUT.slots}
    v = {slot.name: torch.zeros(slot.size, dtype=torch.float64) for slot in LAYOUT.slots}

    def matrix_step(name: str, shape: tuple[int, ...], g: Tensor) -> Tensor:
        mu, rows, columns = MU[member], shape[0], prod(shape[1:])
        m[name] = mu * m[name] + g
        update = mu * m[name] + g if nesterov else m[name]
        factor = max(1.0, rows / columns) ** 0.5 if adjust == "original" else 0.2 * max(rows, columns) ** 0.5
        return LR[member] * factor * _orthogonalized(update.view(rows, columns)).reshape(-1)

    def adam_step(name: str, g: Tensor, t: int) -> Tensor:
        m[name] = BETA1[member] * m[name] + (1 - BETA1[member]) * g
        v[name] = BETA2[member] * v[name] + (1 - BETA2[member]) * g**2
        m_hat, v_hat = m[name] / (1 - BETA1[member] ** t), v[name] / (1 - BETA2[member] ** t)
        return ADAM_LR[member] * m_hat / (v_hat**0.5 + 1e-10)

    def step(row: Tensor, g: Tensor, t: int) -> Tensor:
        parts = []
        for slot in LAYOUT.slots:
            own, gradient = (value[slot.offset : slot.offset + slot.size] for value in (row, g))
            by_muon = slot.name in muon
            change = matrix_step(slot.name, slot.shape, gradient) if by_muon else adam_step(slot.name, gradient, t)
            rate = LR[member] if by_muon else ADAM_LR[member]
            parts.append(own - change - rate * LAMBDA[member] * (slot.kind == "weight") * own)
        return torch.cat(parts)

    return step


@pytest.mark.parametrize(
    ("head", "nesterov", "adjust"), [("adamw", True, "original"), ("muon", False, "match_rms_adamw")]
)
def test_equals_the_definition(
    head: Literal["adamw", "muon"], nesterov: bool, adjust: Literal["original", "match_rms_adamw"]
) -> None:
    problem = Problem(90, LAYOUT)
    rule = Muon(LR, MU, LAMBDA, ADAM_LR, BETA1, BETA2, nesterov=nesterov, adjust=adjust, head=head)
    theta, stepper = trained(problem, rule)
    reference = by_hand(problem, lambda member: _by_hand(member, head, nesterov, adjust))
    assert (theta - reference).abs().max() <= 1e-12
    assert stepper.state["v"].shape == (16, 9 if head == "muon" else 24)
