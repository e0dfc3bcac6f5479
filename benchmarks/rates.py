"""Rates of several candidates, measured in turn, so that a disturbance of the machine meets all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

Candidate = Callable[[], int]
"""Does some work, and answers how many pictures it was."""


def interleaved(candidates: Mapping[str, Candidate], rounds: int) -> dict[str, list[float]]:
    """Pictures a second of every candidate, once a round, in an order that turns round; the first round is left out."""
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for index in range(rounds + 1):
        for name, candidate in list(candidates.items())[:: 1 if index % 2 else -1]:
            began = time.perf_counter()
            count = candidate()
            if index:
                rates[name].append(count / (time.perf_counter() - began))
    return rates


def ratio(rates: Mapping[str, list[float]], name: str, other: str) -> float:
    """How many times as fast: the median of the ratios within a round."""
    return statistics.median(one / two for one, two in zip(rates[name], rates[other], strict=True))
