"""Intervals for proportions."""

from math import sqrt

from scipy.special import ndtri


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a proportion.

    (p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)

    Args:
        successes: Times that it was so, 0 to trials.
        trials: Times that it was looked at. With none, the interval is [0, 1].
        confidence: The share of such intervals that hold the true proportion, in (0, 1).

    Returns:
        The two ends, within [0, 1].

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    Example:
        >>> low, high = wilson(9, 10)
        >>> round(low, 4), round(high, 4)
        (0.5958, 0.9821)
    """
    if trials == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + confidence) / 2))
    p = successes / trials
    centre = p + z * z / (2 * trials)
    half = z * sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
