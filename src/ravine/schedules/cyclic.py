"""A learning rate that goes up and down in straight lines."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ravine.base.ranges import Fraction, Positive
from ravine.interfaces import Columns, Schedule
from ravine.schedules.clock import Unit, in_steps, whole


@dataclass(frozen=True)
class Cyclic(Schedule):
    """Triangular cycles.

        x = |t/s − 2·i − 1|,   i = ⌊t/(2s)⌋
        triangular     f(t) = low + (1 − low)·(1 − x)
        triangular2    f(t) = low + (1 − low)·(1 − x)/2ⁱ

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.2; `half` is its stepsize.

    Attributes:
        half: s, > 0: the length of a way up or down.
        low: The factor at the lowest, in [0, 1].
        form: Whether each peak is as high as the one before or half of it.
        unit: Whether s counts steps or is a share of the run.
    """

    half: Positive = 0.1
    low: Fraction = 0.1
    form: Literal["triangular", "triangular2"] = "triangular"
    unit: Unit = "run"

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """From `low` up to 1 and back."""
        ways = t / in_steps(h.half, total, self.unit)
        index = whole(ways / 2)
        height = 1 - (ways - 2 * index - 1).abs()
        return h.low + (1 - h.low) * (height if self.form == "triangular" else height / 2**index)
