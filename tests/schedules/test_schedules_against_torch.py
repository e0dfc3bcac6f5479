"""Every schedule that torch has, at every step, against torch's recursion."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from ravine.interfaces import Schedule
from ravine.schedules.cosine import Cosine
from ravine.schedules.cosine_restarts import CosineRestarts
from ravine.schedules.cyclic import Cyclic
from ravine.schedules.exponential import Exponential
from ravine.schedules.one_cycle import OneCycle
from ravine.schedules.polynomial import Polynomial
from ravine.schedules.step import StepDecay
from ravine.schedules.warm_up import WarmUp

STEPS = 60


def factors(schedule: Schedule, total: int = STEPS) -> torch.Tensor:
    """The factors of all steps, computed at once, in one population of one member a step."""
    h = schedule.columns(total)
    t = torch.arange(total, dtype=torch.float64)[:, None]
    return schedule.factor(h, t, torch.full_like(t, total))[:, 0]


def _by_torch(make: Callable[[Any], Any]) -> torch.Tensor:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    scheduler, rates = make(optimizer), []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return torch.tensor(rates, dtype=torch.float64)


def _warm_up(optimizer: Any) -> Any:
    rise = lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 12)
    return lr_scheduler.SequentialLR(optimizer, [rise, lr_scheduler.StepLR(optimizer, 16)], [12])


CASES = [
    (StepDecay(7.0, 0.5, "step"), lambda o: lr_scheduler.StepLR(o, 7, 0.5)),
    (StepDecay(0.1, 0.5), lambda o: lr_scheduler.StepLR(o, 6, 0.5)),
    (Exponential(0.05, "step"), lambda o: lr_scheduler.ExponentialLR(o, math.exp(-0.05))),
    (Polynomial(2.0), lambda o: lr_scheduler.PolynomialLR(o, STEPS, 2.0)),
    (Cosine(0.1), lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS, 0.1)),
    (CosineRestarts(0.2, 1.0, 0.1), lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 12, 1, 0.1)),
    (CosineRestarts(4.0, 2.0, 0.0, "step"), lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2, 0.0)),
    (CosineRestarts(2.0, 3.0, 0.0, "step"), lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 3, 0.0)),
    (Cyclic(0.1, 0.25), lambda o: lr_scheduler.CyclicLR(o, 0.25, 1.0, 6)),
    (Cyclic(5.0, 0.25, "triangular2", "step"), lambda o: lr_scheduler.CyclicLR(o, 0.25, 1.0, 5, mode="triangular2")),
    (OneCycle(), lambda o: lr_scheduler.OneCycleLR(o, 1.0, STEPS + 1, base_momentum=0.9, max_momentum=0.9)),
    (WarmUp(StepDecay(16.0, 0.1, "step"), 12.0, 0.1, "step"), _warm_up),
]


@pytest.mark.parametrize("case", range(len(CASES)), ids=[type(schedule).__name__ for schedule, _ in CASES])
def test_equals_torch(case: int) -> None:
    schedule, make = CASES[case]
    own = factors(schedule, STEPS + 1)[:STEPS] if isinstance(schedule, OneCycle) else factors(schedule)
    assert (own - _by_torch(make)).abs().max() <= 1e-12
