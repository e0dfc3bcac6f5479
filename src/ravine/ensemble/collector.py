"""What an ensemble gathers while its members train."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ravine.ensemble.candidates import Candidates
from ravine.interfaces import Schedule


@dataclass(frozen=True)
class Course:
    """A training to come, as far as an ensemble must know it.

    Attributes:
        members: K.
        epochs: Passes over the pictures.
        steps_per_epoch: Steps of one.
        schedule: The factor on the learning rate.
    """

    members: int
    epochs: int
    steps_per_epoch: int
    schedule: Schedule

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.epochs * self.steps_per_epoch


class Collector(ABC):
    """Watches weights and buffers while they are trained."""

    @abstractmethod
    def update(self, theta: Tensor, buffers: Tensor, step: int) -> None:
        """Look at the members after a step.

        Args:
            theta: [K, P]; changed in place by the next step, so that what is kept must be copied.
            buffers: [K, B]; likewise.
            step: How many steps have been taken, from 1.
        """

    @property
    @abstractmethod
    def copies(self) -> int:
        """How many copies of a member's weights it keeps at the most."""

    @abstractmethod
    def candidates(self, member: int) -> Candidates:
        """What was gathered of one member."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Everything gathered so far, for a checkpoint."""

    @abstractmethod
    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """Go on from where `state_dict` was taken."""


@dataclass
class Kept(Collector):
    """Copies of the weights at chosen steps, which may differ by member.

    Attributes:
        steps: For each member, the steps after which a copy is kept.

    Example:
        >>> kept = Kept([[2, 3]])
        >>> for step in (1, 2, 3):
        ...     kept.update(torch.full((1, 1), float(step)), torch.zeros(1, 0), step)
        >>> kept.candidates(0).theta[:, 0].tolist()
        [2.0, 3.0]
    """

    steps: Sequence[Iterable[int]]
    rows: dict[tuple[int, int], tuple[Tensor, Tensor]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._due: dict[int, list[int]] = {}
        for member, steps in enumerate(self.steps):
            for step in steps:
                self._due.setdefault(step, []).append(member)

    def update(self, theta: Tensor, buffers: Tensor, step: int) -> None:
        """See `Collector.update`."""
        for member in self._due.get(step, ()):
            self.rows[member, step] = (theta[member].clone(), buffers[member].clone())

    @property
    def copies(self) -> int:
        """See `Collector.copies`."""
        counts = Counter(member for members in self._due.values() for member in members)
        return max(counts.values(), default=0)

    def candidates(self, member: int) -> Candidates:
        """Its copies, the earliest first."""
        own = [pair for (owner, _), pair in sorted(self.rows.items(), key=lambda item: item[0]) if owner == member]
        return Candidates(torch.stack([theta for theta, _ in own]), torch.stack([buffers for _, buffers in own]))

    def state_dict(self) -> dict[str, Tensor]:
        """Each copy, under "member.step.theta" and "member.step.buffers"."""
        saved = {}
        for (member, step), (theta, buffers) in self.rows.items():
            saved |= {f"{member}.{step}.theta": theta, f"{member}.{step}.buffers": buffers}
        return saved

    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """See `Collector.load_state_dict`."""
        self.rows.clear()
        for name in saved:
            member, step, part = name.split(".")
            if part == "theta":
                self.rows[int(member), int(step)] = (saved[name].clone(), saved[f"{member}.{step}.buffers"].clone())
