"""A learning rate that falls by the same share at every step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.base.ranges import NonNegative
from ravine.interfaces import Columns, Schedule
from ravine.schedules.clock import Unit


@dataclass(frozen=True)
class Exponential(Schedule):
    """Exponential decay.

        f(t) = e^(−k·t)          t in steps, or in runs: then f = e^(−k) at the end

    Source: Senior et al., "An Empirical Study of Learning Rates in Deep Neural Networks for Speech Recognition",
    2013, exponential scheduling (there as 10^(−t/r)). PyTorch's ExponentialLR has γ = e^(−k).

    Attributes:
        k: The rate of decay, ≥ 0, per unit.
        unit: What t counts.
    """

    k: NonNegative = 5.0
    unit: Unit = "run"

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """From 1 towards 0."""
        return torch.exp(-h.k * (t if self.unit == "step" else t / total))
