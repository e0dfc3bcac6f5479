"""Time line: where the seconds of a training go, and whether it waits for data or for arithmetic."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Part = Literal["data", "arithmetic", "other"]
"""Waiting for a batch; forward pass, backward pass and step; everything else, such as judging after each epoch."""


@dataclass(frozen=True)
class Shares:
    """Where the time of a training went.

    Attributes:
        data: Seconds waited for batches.
        arithmetic: Seconds of forward passes, backward passes and steps.
        other: Seconds of everything else.

    Example:
        >>> Shares(data=2, arithmetic=95, other=3).sentence()
        'This run waited for data 2 % of the time, computed 95 %, and did other things, such as validation, 3 %.'
    """

    data: float = 0.0
    arithmetic: float = 0.0
    other: float = 0.0

    @property
    def seconds(self) -> float:
        """All of them."""
        return self.data + self.arithmetic + self.other

    def share(self, part: Part) -> float:
        """Of one part, in [0, 1]; 0 where no time was measured."""
        return getattr(self, part) / self.seconds if self.seconds else 0.0

    def sentence(self) -> str:
        """The shares in words."""
        data, arithmetic, other = (f"{100 * self.share(part):.0f} %" for part in ("data", "arithmetic", "other"))
        return (
            f"This run waited for data {data} of the time, computed {arithmetic}, and did other things, such as "
            f"validation, {other}."
        )


class Timeline:
    """A stop watch of laps: each gives the time since the one before to a part.

    A lap costs one look at the clock. On a GPU, work is counted where the processor waits for it, which is in the part
    that reads a result, such as the loss; so that arithmetic is counted well as long as each step reads its loss.

    Example:
        >>> ticks = iter([0.0, 1.0, 4.0, 6.0])
        >>> timeline = Timeline(clock=lambda: next(ticks))
        >>> for part in ("data", "arithmetic", "data"):
        ...     timeline.lap(part)
        >>> timeline.shares()
        Shares(data=3.0, arithmetic=3.0, other=0.0)
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start.

        Args:
            clock: Seconds.
        """
        self._clock = clock
        self._seconds: dict[Part, float] = {"data": 0.0, "arithmetic": 0.0, "other": 0.0}
        self._last = clock()

    def lap(self, part: Part) -> None:
        """Give the time since the last lap, or since the start, to a part."""
        now = self._clock()
        self._seconds[part] += now - self._last
        self._last = now

    def shares(self) -> Shares:
        """Where the time went until the last lap."""
        return Shares(**self._seconds)
