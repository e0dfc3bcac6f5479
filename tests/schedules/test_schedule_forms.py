"""Schedules that torch lacks, and what holds for all of them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ravine.interfaces import Schedule
from ravine.schedules.constant import Constant
from ravine.schedules.cosine import Cosine
from ravine.schedules.cosine_restarts import CosineRestarts
from ravine.schedules.exponential import Exponential
from ravine.schedules.inverse_time import InverseTime
from ravine.schedules.one_cycle import OneCycle
from ravine.schedules.polynomial import Polynomial
from ravine.schedules.warm_up import WarmUp
from ravine.schedules.warm_up_stable_decay import WarmUpStableDecay


def _factor(schedule: Schedule, t: float, total: float = 100.0) -> float:
    column = torch.full((1, 1), t, dtype=torch.float64)
    return schedule.factor(schedule.columns(1), column, torch.full_like(column, total)).item()


@pytest.mark.parametrize("t", [0, 1, 37, 99, 1000])
def test_formulas(t: int) -> None:
    assert _factor(Constant(), t) == 1.0
    assert _factor(Exponential(0.3, "step"), t) == pytest.approx(math.exp(-0.3 * t), rel=1e-12)
    assert _factor(Exponential(5.0), t) == pytest.approx(math.exp(-5 * t / 100), rel=1e-12)
    assert _factor(InverseTime(0.3, "step"), t) == pytest.approx(1 / (1 + 0.3 * t), rel=1e-12)
    assert _factor(InverseTime(20.0), t) == pytest.approx(1 / (1 + 20 * t / 100), rel=1e-12)


@pytest.mark.parametrize("shape", ["linear", "root"])
def test_warm_up_stable_decay(shape: str) -> None:
    schedule = WarmUpStableDecay(0.1, 0.2, 0.1, shape)
    assert [_factor(schedule, t) for t in (0, 4, 9, 40, 80)] == pytest.approx([0.1, 0.5, 1.0, 1.0, 1.0])
    half = 0.5 if shape == "linear" else 1 - math.sqrt(0.5)
    assert _factor(schedule, 90) == pytest.approx(0.1 + 0.9 * half, rel=1e-12)
    assert _factor(schedule, 100) == pytest.approx(0.1)


def test_warm_up_hands_over_to_a_run_of_the_rest() -> None:
    schedule = WarmUp(Cosine(), 0.2, 0.0)
    assert _factor(schedule, 10) == pytest.approx(0.5)
    assert _factor(schedule, 50) == pytest.approx(_factor(Cosine(), 30, 80), rel=1e-12)


def test_the_rate_stays_low_after_the_end() -> None:
    for schedule in (Cosine(0.1), Polynomial(2.0, 0.1), OneCycle(last=0.1), WarmUpStableDecay(low=0.1)):
        assert _factor(schedule, 1000) == pytest.approx(0.1)


@given(t=st.integers(0, 10_000), growth=st.floats(1.0, 3.0), first=st.integers(1, 50))
def test_restarts_find_the_cycle_of_any_step(t: int, growth: float, first: int) -> None:
    schedule = CosineRestarts(float(first), growth, 0.0, "step")
    begin, length, index = 0.0, float(first), 0
    while begin + length <= t:
        begin, length, index = begin + length, length * growth, index + 1
    own_index, done = schedule.cycle(schedule.columns(1), *_columns(t))
    assert own_index.item() == int(own_index.item())
    assert (own_index + done).item() == pytest.approx(index + (t - begin) / length, abs=1e-7)


def _columns(t: int) -> tuple[Tensor, Tensor]:
    column = torch.full((1, 1), t, dtype=torch.float64)
    return column, torch.ones_like(column)
