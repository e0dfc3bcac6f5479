"""The stages of a run: how far each is, and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Advance = Callable[[int], object]


class Progress:
    """Shows how far a stage is; this one shows nothing."""

    @contextmanager
    def show(self, name: str, total: int) -> Iterator[Advance]:
        """Show one stage.

        Args:
            name: What is done, in a word or two.
            total: How many units it has; the yielded function is called with the number of units done.
        """
        del name, total
        yield lambda _: None

    def say(self, text: str) -> None:
        """Show one line."""
        del text


@dataclass
class Stages:
    """Runs stages under a progress display and adds up their seconds.

    Example:
        >>> stages = Stages()
        >>> with stages.stage("scan", "scan", 3) as advance:
        ...     advance(3)
        >>> list(stages.seconds)
        ['scan']
    """

    progress: Progress = field(default_factory=Progress)
    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)

    @contextmanager
    def stage(self, key: str, name: str, total: int) -> Iterator[Advance]:
        """Run one stage; its time is added under the key."""
        began = time.perf_counter()
        with self.progress.show(name, total) as advance:
            yield advance
        self.seconds[key] = self.seconds.get(key, 0.0) + time.perf_counter() - began

    @property
    def total(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self.began
