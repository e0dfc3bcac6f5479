"""Running averages of weights, in the one form that they have in common."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ravine.ensemble.candidates import Candidates
from ravine.ensemble.collector import Collector, Course
from ravine.ensemble.ensemble import Ensemble


@dataclass(frozen=True)
class WeightAverage(Ensemble):
    """An average over the way of the weights, taken as one network: it answers as fast as a single one.

        a ← a + wₙ·(θ − a)

    with w₁ = 1, so that the first weights are copied. Buffers are averaged alike.
    """

    @property
    def collects(self) -> bool:
        """An average."""
        return True

    @abstractmethod
    def counts(self, step: int, course: Course) -> bool:
        """Whether the weights after a step, counted from 1, are averaged; those after the last one must be."""

    @abstractmethod
    def weight(self, course: Course) -> Callable[[int], float | Tensor]:
        """From n, counted from 1, to what the n-th weights count: one number, or float64 [K, 1]."""

    def collector(self, course: Course) -> "RunningAverage":
        """The average of each member."""
        return RunningAverage(lambda step: self.counts(step, course), self.weight(course))


@dataclass
class RunningAverage(Collector):
    """Averages of theta [K, P] and buffers [K, B], in their dtype.

    Attributes:
        counts: Whether the weights after this step are averaged.
        weight: From n, counted from 1, to wₙ.
        seen: How many weights have been averaged.

    Example:
        >>> mean = RunningAverage(lambda step: True, lambda n: 1 / n)
        >>> for value in (1.0, 2.0, 6.0):
        ...     mean.update(torch.tensor([[value]]), torch.zeros(1, 0), mean.seen + 1)
        >>> mean.candidates(0).theta.item()
        3.0
    """

    counts: Callable[[int], bool]
    weight: Callable[[int], float | Tensor]
    seen: int = field(init=False, default=0)
    theta: Tensor = field(init=False)
    buffers: Tensor = field(init=False)

    @torch.no_grad()
    def update(self, theta: Tensor, buffers: Tensor, step: int) -> None:
        """See `Collector.update`."""
        if not self.counts(step):
            return
        self.seen += 1
        if self.seen == 1:
            self.theta, self.buffers = theta.clone(), buffers.clone()
            return
        weight = self.weight(self.seen)
        if isinstance(weight, Tensor):
            weight = weight.to(theta)
        self.theta.lerp_(theta, weight)
        self.buffers.lerp_(buffers, weight)

    @property
    def copies(self) -> int:
        """The average."""
        return 1

    def candidates(self, member: int) -> Candidates:
        """Its average."""
        return Candidates(self.theta[member : member + 1], self.buffers[member : member + 1])

    def state_dict(self) -> dict[str, Tensor]:
        """The averages, and how many weights are in them."""
        own = {"theta": self.theta.clone(), "buffers": self.buffers.clone()} if self.seen else {}
        return {"seen": torch.tensor(self.seen), **own}

    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """See `Collector.load_state_dict`."""
        self.seen = int(saved["seen"])
        if self.seen:
            self.theta, self.buffers = saved["theta"].clone(), saved["buffers"].clone()
