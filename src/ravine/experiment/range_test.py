"""Learning-rate range test: which rates learn at all, and from which on training falls apart.

K rates, spread geometrically, each train a fresh member for the same few steps; the members are rows of one population
that is thrown away. So the test is of constant rates, not of one rate that rises while the network changes; and the run
that it is made for is not touched.

Source: L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3, which lets one rate
rise. Its single curve depends on the order of the batches; here every rate is tried on several, and the answer is a
range.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import PlanError, TrainingError
from ravine.base.seeds import stream
from ravine.experiment.scratch import Scratch
from ravine.interfaces import Rule
from ravine.plan.members import of_members
from ravine.schedules.constant import Constant

LEARNED = 0.5
"""A rate learns when it brings the loss down by at least this share of what the best rate does."""


@dataclass(frozen=True)
class RateRange:
    """What was found.

    Attributes:
        low: The lowest rate that learns in every order.
        high: The highest rate that still does.
        rates: The rates tried, [R], ascending.
        losses: Mean loss over the last quarter of the steps, [orders, R]; infinite where it was not finite.
        start: The loss before any step, about log C.
    """

    low: float
    high: float
    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    start: float

    @property
    def may_go_lower(self) -> bool:
        """Whether the lowest rate tried learns already, so that lower ones might."""
        return self.low == self.rates[0]

    @property
    def may_go_higher(self) -> bool:
        """Whether the highest rate tried still learns, so that higher ones might."""
        return self.high == self.rates[-1]


def range_test(
    scratch: Scratch, *, low: float = 1e-5, high: float = 10.0, rates: int = 13, steps: int = 60, orders: int = 3
) -> RateRange:
    """Try rates on copies of a training.

    Args:
        scratch: The training; its plan's optimizer must be an update rule. It is not changed.
        low: The lowest rate to try, above 0.
        high: The highest, above `low`.
        rates: How many, at least 3.
        steps: Steps of each, at least 8.
        orders: How many orders of the batches, at least 1.

    Raises:
        PlanError: An argument is out of range, the optimizer takes no rate, or no rate learns.
    """
    if not 0 < low < high or rates < 3 or steps < 8 or orders < 1:
        raise PlanError(
            f"range_test(low={low}, high={high}, rates={rates}, steps={steps}, orders={orders}) is out of range. "
            "Choose 0 < low < high, at least 3 rates, 8 steps and 1 order."
        )
    tried = np.geomspace(low, high, rates)
    start = float(np.log(len(scratch.classes)))
    losses = np.stack([_losses(scratch, tried, steps, order) for order in range(orders)])
    gained = start - losses.max(axis=0)
    learns = np.flatnonzero(gained >= LEARNED * gained.max()) if gained.max() > 0 else np.empty(0, np.int64)
    if len(learns) == 0:
        raise PlanError(f"No rate from {low:g} to {high:g} brings the loss below {start:.2f} in {steps} steps.")
    return RateRange(float(tried[learns[0]]), float(tried[learns[-1]]), tried, losses, start)


def _losses(scratch: Scratch, rates: NDArray[np.float64], steps: int, order: int) -> NDArray[np.float64]:
    """Where each rate ends on one order of the batches; all members begin alike."""
    plan = scratch.plan
    if not isinstance(plan.optimizer, Rule) or not hasattr(plan.optimizer, "lr"):
        raise PlanError(
            f"{type(plan.optimizer).__name__} has no rate of its own to test. Choose an update rule such as nesterov."
        )
    spread = {"lr": tuple(rates.tolist())}
    rule = replace(of_members(plan.optimizer, [0]), **spread)
    penalty = tuple(of_members(part, [0]) for part in plan.penalty or ())
    techniques = tuple(of_members(part, [0]) for part in plan.techniques)
    parts = {"optimizer": rule, "penalty": penalty, "techniques": techniques, "schedule": Constant()}
    copy = replace(plan, **parts, ensemble=None, members=len(rates), compiled=False)
    seed = stream(plan.seed, "range test", order) % 2**31
    try:
        loop = replace(scratch, plan=copy).prepare(
            scratch.split.train, [seed] * len(rates), "range test", range(len(rates))
        )
        seen = [loop.step(step % len(loop.batches), step // len(loop.batches)).cpu().numpy() for step in range(steps)]
    except TrainingError:  # no rate is left whose loss is finite
        return np.full(len(rates), np.inf)
    last = np.stack(seen)[-(steps // 4) :].mean(axis=0)
    return np.where(loop.alive.cpu().numpy() & np.isfinite(last), last, np.inf)
