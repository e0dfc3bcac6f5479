"""Polyak averaging: the plain mean of the weights of many steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from ravine.base.ranges import Range
from ravine.ensemble.collector import Course
from ravine.ensemble.weight_average import WeightAverage


@dataclass(frozen=True)
class Polyak(WeightAverage):
    """Polyak averaging.

        a ← a + (θ − a)/n        after every step beyond `start`, n = 1, 2, …

    The mean of iterates takes out the noise of the gradients; on a quadratic, with a rate that falls slowly or not at
    all, it converges as fast as any method can. Weights from before the way has settled spoil it, so it starts late.
    Statistics of batch norm are computed anew.

    Helps with a rate that stays high to the end (schedule = constant): there it does the work of the decay. Behind a
    schedule that falls to zero it changes little. Suggested: start = 0.5 to 0.75.

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992: the sequence x̄. The
    exponential average is something else, although it is sometimes given this name.

    Attributes:
        start: The share of the run after which averaging begins, in [0, 1).
    """

    start: Annotated[float, Range(0, 1, high_open=True)] = 0.5

    def reestimates(self, mixed: bool) -> bool:
        """Always: the candidate is an average, and has activations of its own."""
        del mixed
        return True

    def counts(self, step: int, course: Course) -> bool:
        """Every step behind the start."""
        return step > self.start * course.steps

    def weight(self, course: Course) -> Callable[[int], float]:
        """1/n."""
        del course
        return lambda n: 1 / n
