"""Snapshots: the weights at the end of each cycle of the learning rate, which vote."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.base.ranges import Range
from ravine.ensemble.collector import Course, Kept
from ravine.ensemble.ensemble import Ensemble

_RISE = 1e-9
"""What counts as a rise of the factor; rounding does not."""


@dataclass(frozen=True)
class Snapshot(Ensemble):
    """Snapshots of one training whose learning rate goes down again and again.

        θₘ = the weights after cycle m,   p(y | x) = (1/M)·Σₘ softmax(f(x; θₘ))_y

    The rate falls until the weights settle, a copy of them is kept, and the rate goes up again; weights, moments and
    statistics of batch norm are carried over. So M networks come from the steps of one training.

    A cycle ends where the schedule turns up, and in the last step; so snapshots and schedule cannot contradict each
    other, and one without two cycles is refused, as is a run that ends within a cycle. With schedule = cosine_restarts
    and schedule.first = 1/M (a share of the run) there are M cycles, whose lengths differ by one step where M does not
    divide the run; the authors' program cuts cycles of ⌊T/M⌋ steps and gives the last one what remains. With
    schedule = cyclic they are taken at the troughs of cyclical rates, as by Garipov et al. (2018) in short cycles.

    Helps where a training of a cycle's length does nearly as well as the whole one: large networks, long runs.
    Published for a DenseNet: 3.4 % errors on CIFAR-10 and 17.4 % on CIFAR-100. An independent repetition with a small
    residual network on CIFAR-10 found 92.84 % right, the best single network 92.70 %; very small networks
    gained nothing. Suggested: M = 3 to 6, cycles of at least 10 epochs.

    Source: Huang, Li, Pleiss, Liu, Hopcroft and Weinberger, "Snapshot Ensembles: Train 1, Get M for Free", 2017,
    equation (2) and section 3; Loshchilov and Hutter, "SGDR", 2017, for the restarts.

    Attributes:
        last: How many snapshots vote, the last ones, at least 2; None for all.
    """

    last: Annotated[int, Range(2)] | None = None

    @property
    def collects(self) -> bool:
        """Copies at the ends of cycles."""
        return True

    def collector(self, course: Course) -> Kept:
        """Copies after the last step of each cycle.

        Raises:
            PlanError: The schedule has fewer than two cycles, or the run ends within one.
        """
        ends = cycle_ends(course)
        for steps in ends:
            if len(steps) < 2:
                raise PlanError(
                    f"ensemble=snapshot needs a learning rate that goes up again, and {type(course.schedule).__name__} "
                    f"has {len(steps)} whole cycles in {course.steps} steps. Set schedule=cosine_restarts and "
                    "schedule.first=0.2, for five cycles."
                )
            if steps[-1] != course.steps:
                raise PlanError(
                    f"The run ends after {course.steps} steps, within a cycle; the last whole one ends after "
                    f"{steps[-1]}. Set schedule.unit=run and a length that divides the run, such as schedule.first=0.2."
                )
        return Kept([steps[-self.last :] if self.last else steps for steps in ends])


def cycle_ends(course: Course) -> list[list[int]]:
    """For each member the numbers of steps after which a cycle is over.

    Step n is the last one of a cycle if the factor of the next is higher, and that of n is not higher than the one
    before it. The schedule is asked for two more steps than the run has: a cycle that turns there is whole.
    """
    t = torch.arange(course.steps + 2, dtype=torch.float64).expand(course.members, -1)
    total = torch.full((course.members, 1), course.steps, dtype=torch.float64)
    factor = course.schedule.factor(course.schedule.columns(course.members), t, total).expand(t.shape)
    return [_turns(row, course.steps) for row in factor]


def _turns(factor: Tensor, steps: int) -> list[int]:
    change = factor.diff()
    turns = (change[1:] > _RISE) & (change[:-1] <= _RISE)
    found = (torch.nonzero(turns).flatten() + 2).clamp(max=steps)
    return found.unique().tolist()
