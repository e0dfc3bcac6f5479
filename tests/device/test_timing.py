"""The time of one call."""

from collections.abc import Callable, Iterable
from itertools import accumulate

from ravine.device.timing import FEWEST, fastest


def ticking(steps: Iterable[float]) -> Callable[[], float]:
    """A clock that goes on by the given steps, one a question."""
    times = accumulate(steps)
    return lambda: next(times)


def test_the_fastest_call_counts_and_the_first_does_not():
    calls = []
    clock = ticking([0, 0, 5, 0, 2, 0, 9])
    assert fastest(lambda: calls.append(1), 0.0, clock) == 2
    assert len(calls) == 1 + FEWEST


def test_calls_are_repeated_for_the_time_given():
    calls = []
    fastest(lambda: calls.append(1), 10.0, ticking([0, *[0, 1] * 20]))
    assert len(calls) == 1 + 10
