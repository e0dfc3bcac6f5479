"""A learning rate that falls along half a cosine."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.base.ranges import Fraction
from ravine.interfaces import Columns, Schedule


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine decay over the whole run.

        f(t) = low + (1 − low)·½·(1 + cos(π·t/T))

    T is the number of steps of the run; the rate would reach `low` one step after the last. After T it stays there.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation (5).

    Attributes:
        low: The factor at the end, in [0, 1].
    """

    low: Fraction = 0.0

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """From 1 at the first step down to `low`."""
        done = (t / total).clamp(max=1.0)
        return h.low + (1 - h.low) * 0.5 * (1 + torch.cos(math.pi * done))
