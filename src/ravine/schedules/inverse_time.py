"""A learning rate that falls like one over the time."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.ranges import NonNegative
from ravine.interfaces import Columns, Schedule
from ravine.schedules.clock import Unit


@dataclass(frozen=True)
class InverseTime(Schedule):
    """Inverse time decay.

        f(t) = 1 / (1 + k·t)          t in steps, or in runs: then f = 1/(1 + k) at the end

    Source: Robbins and Monro, "A Stochastic Approximation Method", 1951: the rates sum to infinity while their squares
    do not, which is what convergence needs.

    Attributes:
        k: The rate of decay, ≥ 0, per unit.
        unit: What t counts.
    """

    k: NonNegative = 20.0
    unit: Unit = "run"

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """From 1 towards 0."""
        return 1 / (1 + h.k * (t if self.unit == "step" else t / total))
