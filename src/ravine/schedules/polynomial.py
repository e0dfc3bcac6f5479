"""A learning rate that falls to its last value along a power of the time left."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.ranges import Fraction, Positive
from ravine.interfaces import Columns, Schedule


@dataclass(frozen=True)
class Polynomial(Schedule):
    """Polynomial decay over the whole run; linear by default.

        f(t) = low + (1 − low)·(1 − t/T)ᵖ

    T is the number of steps of the run; after it the factor stays at `low`.

    Source: Chen et al., "DeepLab", 2017, section 4.1, the "poly" policy with p = 0.9.

    Attributes:
        power: p, > 0.
        low: The factor at the end, in [0, 1].
    """

    power: Positive = 1.0
    low: Fraction = 0.0

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """From 1 at the first step down to `low`."""
        return h.low + (1 - h.low) * (1 - t / total).clamp(min=0.0) ** h.power
