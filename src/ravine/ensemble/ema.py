"""Exponential moving average of the weights."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ravine.base.ranges import Decay
from ravine.ensemble.collector import Course
from ravine.ensemble.weight_average import WeightAverage


@dataclass(frozen=True)
class EMA(WeightAverage):
    """Exponential moving average, after every step.

        corrected      a₀ = 0,  a ← d·a + (1 − d)·θ,  answer a/(1 − dᵗ);  that is  â ← â + (1 − d)/(1 − dᵗ)·(θ − â)
        uncorrected    a₁ = θ₁, a ← d·a + (1 − d)·θ

    It remembers about the last 1/(1 − d) steps. Uncorrected, the first weights keep the share dᵗ⁻¹, which counts in a
    short run; corrected, they have their share of an exponential window that is cut off at the start. Statistics of
    batch norm are averaged alike, as is the custom, and not computed anew: weights within the window are close.

    Helps with a rate that is still high at the end, at the cost of one pass over the weights a step. Behind a schedule
    that falls to zero it changes little. Suggested: a window of a tenth to a hundredth of the run: d = 0.99 for 1,000
    steps, 0.999 for 10,000, 0.9999 for 100,000.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, section 7.2, which averages weights so,
    with the correction. PyTorch's `get_ema_multi_avg_fn` is the uncorrected form.

    Attributes:
        decay: d, of one step, in [0, 1).
        bias_correction: Whether the average is corrected for its start.
    """

    decay: Decay = 0.99
    bias_correction: bool = True

    def counts(self, step: int, course: Course) -> bool:
        """Every step."""
        del step, course
        return True

    def weight(self, course: Course) -> Callable[[int], Tensor]:
        """(1 − d)/(1 − dⁿ), or 1 − d."""
        decay = self.columns(course.members).decay
        if self.bias_correction:
            return lambda n: (1 - decay) / (1 - decay**n)
        return lambda _: 1 - decay
