"""The time of one call: the fastest of several, since whatever disturbs a measurement only makes it slower."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Gives seconds from any fixed moment on."""

FEWEST = 3


def fastest(work: Callable[[], object], seconds: float, clock: Clock = time.perf_counter) -> float:
    """The least time of one call, in seconds.

    Args:
        work: What is timed; it returns when everything is done. It is called once beforehand, untimed.
        seconds: How long calls are repeated, at least three times.
        clock: What tells the time.

    Example:
        >>> ticks = iter([0.0, 0.0, 3.0, 3.0, 5.0, 5.0, 9.0])
        >>> fastest(lambda: None, 4.0, lambda: next(ticks))
        2.0
    """
    work()
    end = clock() + seconds
    least, calls, now = float("inf"), 0, end - seconds
    while calls < FEWEST or now < end:
        begin = clock()
        work()
        now = clock()
        least, calls = min(least, now - begin), calls + 1
    return least
