"""A learning rate that falls along half a cosine, again and again."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ravine.base.ranges import Fraction, Hyper, Positive, Range
from ravine.interfaces import Columns, Schedule
from ravine.schedules.clock import Unit, in_steps, whole

Growth = Annotated[Hyper, Range(1)]


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Cosine decay with warm restarts.

        f(t) = low + (1 − low)·½·(1 + cos(π·(t − S)/L))

    Cycle i begins at S = T₀·(qⁱ − 1)/(q − 1), or T₀·i if q = 1, and is L = T₀·qⁱ steps long.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation (5).

    Attributes:
        first: T₀, > 0: the length of the first cycle.
        growth: q, ≥ 1: the factor from one length to the next.
        low: The factor at the end of a cycle, in [0, 1].
        unit: Whether T₀ counts steps or is a share of the run.
    """

    first: Positive = 0.2
    growth: Growth = 1.0
    low: Fraction = 0.0
    unit: Unit = "run"

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """From 1 at the first step of a cycle down to `low`."""
        _, done = self.cycle(h, t, total)
        return h.low + (1 - h.low) * 0.5 * (1 + torch.cos(math.pi * done))

    def cycle(self, h: Columns, t: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        """The cycle that step t lies in, counted from 0, and the share of it that is done; see `factor`."""
        lengths = t / in_steps(h.first, total, self.unit)
        grows = h.growth > 1
        more = torch.where(grows, h.growth - 1, 1.0)
        index = torch.where(grows, whole(torch.log1p(lengths * more) / torch.log1p(more)), whole(lengths))
        grown = torch.where(grows, torch.expm1(index * torch.log1p(more)), 0.0)
        start = torch.where(grows, grown / more, index)
        return index, ((lengths - start) / (1 + grown)).clamp(0.0, 1.0)
