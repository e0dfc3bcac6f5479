"""Adam's flags against the formulas, one member at a time."""

from math import sqrt

import torch
from optim_population import Problem, by_hand, random_layout, spread, trained
from torch import Tensor

from ravine.base.layout import Layout
from ravine.optim.adam import Adam

LR, BETA1, BETA2, EPS = spread(0.002, 0.05), spread(0.5, 0.95), spread(0.9, 0.999), spread(1e-6, 1e-3)


def _by_hand(member: int, corrected: bool, inside: bool):
    m, v = 0.0, 0.0

    def step(row: Tensor, g: Tensor, t: int) -> Tensor:
        nonlocal m, v
        m = BETA1[member] * m + (1 - BETA1[member]) * g
        v = BETA2[member] * v + (1 - BETA2[member]) * g**2
        m_hat = m / (1 - BETA1[member] ** t) if corrected else m
        v_hat = v / (1 - BETA2[member] ** t) if corrected else v
        root = (v_hat + EPS[member]) ** 0.5 if inside else v_hat**0.5 + EPS[member]
        return row - LR[member] * m_hat / root

    return step


def test_epsilon_inside_the_root() -> None:
    problem = Problem(10, random_layout(10))
    theta, _ = trained(problem, Adam(LR, BETA1, BETA2, EPS, epsilon="inside_root"))
    reference = by_hand(problem, lambda member: _by_hand(member, corrected=True, inside=True))
    assert (theta - reference).abs().max() <= 1e-12


def test_without_bias_correction() -> None:
    problem = Problem(11, random_layout(11))
    theta, _ = trained(problem, Adam(LR, BETA1, BETA2, EPS, bias_correction=False))
    reference = by_hand(problem, lambda member: _by_hand(member, corrected=False, inside=False))
    assert (theta - reference).abs().max() <= 1e-12


def test_without_bias_correction_the_first_step_is_too_long() -> None:
    problem = Problem(12, Layout.flat(3), members=1)
    p, g = problem.start, problem.gradient(problem.start, 0)
    lengths = {}
    for corrected in (True, False):
        rule = Adam(eps=0.0, bias_correction=corrected)
        h, state = rule.columns(1), rule.init(p, problem.layout)
        columns = rule.coefficients(h, torch.ones_like(h.lr))
        lengths[corrected] = rule.step(p, g, type(h)(state), type(h)(columns), problem.layout).delta.abs()
    assert torch.allclose(lengths[True], torch.full_like(p, 1e-3), rtol=1e-12)
    assert torch.allclose(lengths[False], lengths[True] * 0.1 / sqrt(0.001), rtol=1e-12)
