"""Candidates: what was compared before one was chosen, in an order in which many of them can be read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FEW = 12
"""So many are shown as they are; of more, the best ones first, and what comes behind these is folded."""


@dataclass(frozen=True)
class Candidate:
    """One model that was considered, with its value of the selection metric, and whether it ended early."""

    name: str
    value: float
    chosen: bool
    note: str = ""
    ended: bool = False


def ranked(candidates: Sequence[Candidate], better: Literal["lower", "higher"]) -> tuple[Candidate, ...]:
    """Few candidates as they are; of many first the chosen one, then the others from good to bad, the ended ones last.

    Values of those that ended are of an early epoch, which cannot be compared with values at the end.

    Args:
        candidates: In the order of their members.
        better: Which values are better.
    """
    if len(candidates) <= FEW:
        return tuple(candidates)
    sign = 1 if better == "lower" else -1
    return tuple(sorted(candidates, key=lambda one: (not one.chosen, one.ended, *_last(sign * one.value))))


def _last(value: float) -> tuple[bool, float]:
    """A key that puts what is no number behind all numbers."""
    return (True, 0.0) if math.isnan(value) else (False, value)
