"""A learning rate that rises in a straight line before another schedule begins."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ravine.base.ranges import Fraction, NonNegative
from ravine.interfaces import Columns, Schedule
from ravine.schedules.clock import Unit, in_steps
from ravine.schedules.cosine import Cosine


@dataclass(frozen=True)
class WarmUp(Schedule):
    """Linear warm-up, then another schedule over the rest of the run.

        f(t) = (first + (1 − first)·t/W)·g(0)          t < W
        f(t) = g(t − W)                                t ≥ W, for g a run of T − W steps

    Source: Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, section 2.2.

    Attributes:
        then: g, the schedule after the warm-up.
        length: W, ≥ 0.
        first: The factor at the first step, in [0, 1].
        unit: Whether W counts steps or is a share of the run.
    """

    then: Schedule = field(default_factory=Cosine)
    length: NonNegative = 0.05
    first: Fraction = 0.01
    unit: Unit = "run"

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """Up to the other schedule's first factor, then along it."""
        length = in_steps(h.length, total, self.unit)
        rise = h.first + (1 - h.first) * t / torch.where(length > 0, length, 1.0)
        after = self.then.factor(h.then, (t - length).clamp(min=0.0), (total - length).clamp(min=1.0))
        return torch.where(t < length, rise, 1.0) * after
