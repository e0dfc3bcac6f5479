"""Which of two classifiers is better, on pictures that both have judged: intervals of the mean difference."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri


@dataclass(frozen=True)
class Difference:
    """A mean difference over pictures, its standard error, and on how many pictures it rests."""

    mean: float
    error: float
    pictures: int

    def low(self, chance: float) -> float:
        """The end that the true difference is below with at most this chance, in (0, 1)."""
        return self.mean + float(ndtri(chance)) * self.error

    def high(self, chance: float) -> float:
        """The end that the true difference is above with at most this chance, in (0, 1)."""
        return self.mean - float(ndtri(chance)) * self.error

    def hope(self, bound: float, pictures: float, chance: float) -> float:
        """The probability that on more pictures the low end will be above a bound, if these go on as they did.

        Given d̂ₙ, and nothing else, d̂_N is normal with mean d̂ₙ and variance s² (1/n − 1/N), and the low end is
        d̂_N − z s/√N: the predictive power of a trial, with a flat prior.

        Args:
            bound: What the low end must be above.
            pictures: N, how many there will be, with those there are.
            chance: Of the low end, in (0, 1); with 0.5 the mean itself must be above the bound.

        Source: D. J. Spiegelhalter, L. S. Freedman and P. R. Blackburn, Monitoring clinical trials: conditional or
        predictive power?, Controlled Clinical Trials 7 (1986).

        Example:
            >>> round(Difference(0.02, 0.02, 100).hope(0.0, 400, 0.1), 3)
            0.661
        """
        sigma = self.error * sqrt(self.pictures)
        ahead = sigma * sqrt(max(0.0, 1 / self.pictures - 1 / pictures))
        missing = bound - float(ndtri(chance)) * sigma / sqrt(pictures) - self.mean
        return float(ndtr(-missing / ahead)) if ahead > 0 else float(missing < 0)


def difference_of_right(
    one: NDArray[np.bool_], other: NDArray[np.bool_], blocks: NDArray[np.int64] | None = None
) -> Difference:
    """How much more often `other` is right than `one`.

    d̂ = (b − c) / (n + 2),   error² = Σ over blocks (Σ (dᵢ − d̂))² / (n + 2)²

    b counts pictures that only `other` has right, c those that only `one` has right, and dᵢ is 1, −1 or 0. To the n
    pictures two are added, divided evenly among the four outcomes, so that few pictures without a disagreement do not
    pass for certainty.

    Args:
        one: [n], whether each picture was right.
        other: The same.
        blocks: [n]; pictures with one number (copies, groups) count as dependent. Each picture alone if not given.

    Source: A. Agresti and Y. Min, Simple improved confidence intervals for comparing matched proportions, Statistics
    in Medicine 24 (2005); sums over blocks as in K.-Y. Liang and S. L. Zeger, Biometrika 73 (1986).

    Example:
        >>> gain = difference_of_right(np.array([True] * 80 + [False] * 20), np.array([True] * 90 + [False] * 10))
        >>> gain.pictures, round(gain.mean, 4), round(gain.low(0.025), 4), round(gain.high(0.025), 4)
        (100, 0.098, 0.0372, 0.1589)
    """
    n = len(one)
    differences = other.astype(np.float64) - one
    mean = float(differences.sum()) / (n + 2)
    added = 0.5 * ((1 - mean) ** 2 + (1 + mean) ** 2) + mean**2
    return Difference(mean, sqrt(_squares(differences - mean, blocks) + added) / (n + 2), n)


def mean_difference(
    one: NDArray[np.float64], other: NDArray[np.float64], blocks: NDArray[np.int64] | None = None
) -> Difference:
    """How much greater `other` is than `one` in the mean, such as a loss of each picture.

    Args:
        one: [n], a value of each picture; n is at least 2.
        other: The same.
        blocks: [n]; pictures with one number (copies, groups) count as dependent. Each picture alone if not given.

    Example:
        >>> mean_difference(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 4.0])).error.__round__(4)
        0.3333
    """
    differences = other - one
    n, mean = len(differences), float(differences.mean())
    count = n if blocks is None else len(np.unique(blocks))
    correction = count / max(1, count - 1)
    return Difference(mean, sqrt(_squares(differences - mean, blocks) * correction) / n, n)


def _squares(residuals: NDArray[np.float64], blocks: NDArray[np.int64] | None) -> float:
    """The sum over blocks of the squares of their sums."""
    if blocks is None:
        return float(np.square(residuals).sum())
    return float(np.square(np.bincount(np.unique(blocks, return_inverse=True)[1], residuals)).sum())
