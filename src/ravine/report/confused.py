"""Which classes are taken for which, most frequent first."""

from dataclasses import dataclass

import numpy as np

from ravine.report.content import Confusion


@dataclass(frozen=True)
class Pair:
    """Pictures of one class that were taken for another: how many, of how many."""

    true: str
    predicted: str
    count: int
    n: int


def confused_pairs(confusion: Confusion, most: int) -> tuple[Pair, ...]:
    """The most confused pairs of classes.

    Args:
        confusion: Counts [true, predicted].
        most: At most this many pairs.

    Returns:
        Pairs with a count above zero, the largest count first, equal ones in the order of the classes.

    Example:
        >>> counts = np.array([[5, 2], [1, 6]])
        >>> confused_pairs(Confusion(("cat", "dog"), counts), 1)
        (Pair(true='cat', predicted='dog', count=2, n=7),)
    """
    wrong = confusion.counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    places = [divmod(int(place), len(confusion.classes)) for place in order if wrong.flat[place] > 0]
    names, totals = confusion.classes, confusion.counts.sum(axis=1)
    return tuple(Pair(names[i], names[j], int(wrong[i, j]), int(totals[i])) for i, j in places)
