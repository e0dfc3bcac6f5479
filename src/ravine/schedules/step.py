"""A learning rate that drops by a factor at regular steps."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.ranges import Fraction, Positive
from ravine.interfaces import Columns, Schedule
from ravine.schedules.clock import Unit, in_steps, whole


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Step decay.

        f(t) = γ^⌊t/s⌋

    Source: He et al., "Deep Residual Learning", 2016, section 3.4, by 10 whenever the error plateaus; in this form
    PyTorch's StepLR.

    Attributes:
        every: s, > 0: the length of a stair.
        gamma: γ, in [0, 1].
        unit: Whether s counts steps or is a share of the run.
    """

    every: Positive = 1 / 3
    gamma: Fraction = 0.1
    unit: Unit = "run"

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """A stair."""
        return h.gamma ** whole(t / in_steps(h.every, total, self.unit))
