"""What is made of the candidates: which of them are averaged, and which networks then vote."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Mixture = tuple[float, ...]
"""The share of each of M candidates in one network's weights; not negative, with sum 1."""


def mixture(places: Iterable[int], candidates: int) -> Mixture:
    """Equal shares for the candidates at these places.

    Example:
        >>> mixture([0, 2], candidates=3)
        (0.5, 0.0, 0.5)
    """
    chosen = frozenset(places)
    return tuple(1 / len(chosen) if place in chosen else 0.0 for place in range(candidates))


@dataclass(frozen=True)
class Recipe:
    """R networks and their votes.

    Attributes:
        mixtures: R rows of M shares: network r has the weights Σₘ mixtures[r][m]·θₘ.
        votes: R positive numbers with sum 1: what each network's probabilities count in the mean.

    Example:
        >>> Recipe.of([0, 2], candidates=3)
        Recipe(mixtures=((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), votes=(0.5, 0.5))
    """

    mixtures: tuple[Mixture, ...]
    votes: tuple[float, ...]

    @classmethod
    def of(cls, places: Sequence[int], candidates: int, votes: Sequence[float] | None = None) -> "Recipe":
        """Candidates as they are, each one network.

        Args:
            places: Which, of M.
            candidates: M.
            votes: Positive numbers, one a place, scaled to sum 1 here; None for equal ones.
        """
        counts = votes if votes is not None else [1.0] * len(places)
        rows = tuple(mixture([place], candidates) for place in places)
        return cls(rows, tuple(count / sum(counts) for count in counts))

    @classmethod
    def average(cls, places: Iterable[int], candidates: int) -> "Recipe":
        """One network: the average of the weights of these candidates."""
        return cls((mixture(places, candidates),), (1.0,))

    def restricted(self, places: Sequence[int]) -> "Recipe":
        """The same recipe where these candidates are the only ones; the others must have no share.

        Example:
            >>> Recipe.of([2], candidates=3).restricted([2])
            Recipe(mixtures=((1.0,),), votes=(1.0,))
        """
        return Recipe(tuple(tuple(row[place] for place in places) for row in self.mixtures), self.votes)

    def described(self) -> str:
        """What it makes, in words.

        Example:
            >>> Recipe.of([0, 2], candidates=3).described(), Recipe.average([0, 2], candidates=3).described()
            ('the mean of the probabilities of 2 networks', 'one network, the mean of the weights of 2 candidates')
        """
        if len(self.mixtures) > 1:
            return f"the mean of the probabilities of {len(self.mixtures)} networks"
        if len(self.used) > 1:
            return f"one network, the mean of the weights of {len(self.used)} candidates"
        return "one network"

    @property
    def used(self) -> tuple[int, ...]:
        """The candidates with a share in any network."""
        columns = zip(*self.mixtures, strict=True)
        return tuple(place for place, column in enumerate(columns) if any(column))
