"""The kinds of decay under a schedule, and what they leave alone."""

from math import cos, pi

import pytest
import torch
from optim_population import STEPS, Problem, by_hand, random_layout, spread, trained
from torch import Tensor

from ravine.optim.adam import Adam
from ravine.optim.adamw import AdamW
from ravine.penalties.decoupled_decay import DecoupledDecay
from ravine.schedules.cosine import Cosine

LR, BETA1, BETA2, LAMBDA = spread(0.002, 0.05), spread(0.5, 0.95), spread(0.9, 0.999), spread(0.0, 0.1)


def _share(kind: str, eta: float, lr: float, decay: float) -> float:
    """What is taken off, from the schedule's factor η, the peak rate and λ."""
    return {"decoupled": eta * lr * decay, "independent": eta * decay, "corrected": eta**2 * lr * decay}[kind]


@pytest.mark.parametrize("kind", ["decoupled", "independent", "corrected"])
def test_decay_under_a_schedule(kind: str) -> None:
    """Loshchilov and Hutter, 2019, Algorithm 2, with the factor of each kind; biases and norms are left alone."""
    problem = Problem(60, random_layout(60))
    weights = problem.layout.penalized().to(torch.float64)

    def member_step(member: int):
        m = v = 0.0

        def step(row: Tensor, g: Tensor, t: int) -> Tensor:
            nonlocal m, v
            eta = 0.5 * (1 + cos(pi * (t - 1) / STEPS))
            m = BETA1[member] * m + (1 - BETA1[member]) * g
            v = BETA2[member] * v + (1 - BETA2[member]) * g**2
            m_hat, v_hat = m / (1 - BETA1[member] ** t), v / (1 - BETA2[member] ** t)
            share = _share(kind, eta, LR[member], LAMBDA[member])
            return row - eta * LR[member] * m_hat / (v_hat**0.5 + 1e-8) - share * weights * row

        return step

    rule = AdamW(LR, BETA1, BETA2, weight_decay=LAMBDA, decay=kind)
    theta, _ = trained(problem, rule, schedule=Cosine())
    assert (theta - by_hand(problem, member_step)).abs().max() <= 1e-12
    composed, _ = trained(problem, Adam(LR, BETA1, BETA2), [DecoupledDecay(LAMBDA, kind)], Cosine())
    assert torch.allclose(theta, composed, rtol=0, atol=1e-12)
