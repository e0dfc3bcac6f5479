"""Greedy selection: the members whose mean of probabilities is best on validation, some counted several times."""

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import Annotated

import numpy as np

from ravine.base.errors import PlanError
from ravine.base.ranges import Count, Range
from ravine.base.seeds import numpy_generator
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.judge import Judge, Probabilities
from ravine.ensemble.recipe import Recipe


@dataclass(frozen=True)
class Selection(Ensemble):
    """Greedy selection of members, with replacement.

        S ← ∅;  `rounds` times:  S ← S + the member with which the mean probability of S is best on validation
        answer: the S of the round that was best, members counted as often as they were taken

    With bags, this is done for random shares of the members, and the counts are added up; if the outcome is worse than
    that of all members at once, the latter is taken. Either way it is never worse on the validation pictures than the
    best member alone, by construction: the first round takes that one.

    Helps where members differ in quality, as when their plans differ, and with at least some hundred validation
    pictures; equals from other seeds are better all kept (ensemble = independent). Bags guard against choosing by
    chance among many members. Suggested: rounds of two to four times the members.

    Source: Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble Selection from Libraries of Models", 2004,
    section 2, with 2.1 (replacement) and 2.3 (bags).

    Attributes:
        rounds: How often a member is taken.
        bags: Random shares of the members; 1 for all of them at once.
        share: The share of the members in one bag, in (0, 1].
    """

    rounds: Count = 20
    bags: Count = 1
    share: Annotated[float, Range(0, 1, low_open=True)] = 0.5

    @property
    def pools(self) -> bool:
        """Members are chosen from."""
        return True

    @property
    def needs_validation(self) -> bool:
        """There is a choice."""
        return True

    def combine(self, candidates: int, judge: Judge | None) -> Recipe:
        """The selection; see `Ensemble.combine`."""
        if judge is None:
            raise PlanError("ensemble=selection needs validation pictures to choose by. Set split.validation above 0.")
        said = judge.alone(candidates)
        counts = select(said, range(candidates), judge, self.rounds)
        if self.bags > 1:
            bagged = sum((select(said, bag, judge, self.rounds) for bag in self._bags(candidates)), Counter[int]())
            counts = max(counts, bagged, key=lambda chosen: judge.worth(_mean(said, chosen)))
        places = sorted(counts)
        return Recipe.of(places, candidates, [counts[place] for place in places])

    def _bags(self, candidates: int) -> list[list[int]]:
        size = ceil(self.share * candidates)
        draws = (numpy_generator(0, "selection", bag) for bag in range(self.bags))
        return [sorted(draw.choice(candidates, size, replace=False).tolist()) for draw in draws]


def select(said: list[Probabilities], places: list[int] | range, judge: Judge, rounds: int) -> Counter[int]:
    """Greedy selection with replacement.

    Args:
        said: The probabilities of every candidate, [N, C] each.
        places: Which candidates may be taken.
        judge: Says what probabilities are worth.
        rounds: How often one is taken.

    Returns:
        How often each was taken, up to the round whose mean was worth most; the first of equals.
    """
    total = np.zeros_like(said[0])
    taken: list[int] = []
    worths: list[float] = []
    for size in range(1, rounds + 1):
        trials = [judge.worth((total + said[place]) / size) for place in places]
        best = int(np.argmax(trials))
        taken.append(places[best])
        worths.append(trials[best])
        total = total + said[places[best]]
    return Counter(taken[: int(np.argmax(worths)) + 1])


def _mean(said: list[Probabilities], counts: Counter[int]) -> Probabilities:
    return np.average([said[place] for place in counts], axis=0, weights=list(counts.values()))
