"""Means over seeds with their 95 % t-intervals."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t


def half(values: NDArray[np.float64]) -> float:
    """Half the width of the 95 % t-interval of the mean of values from several seeds."""
    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def interval(values: NDArray[np.float64], digits: int = 3) -> str:
    """The mean with its interval.

    Example:
        >>> interval(np.array([0.8, 0.81, 0.82]))
        '0.810 ± 0.025'
    """
    return f"{values.mean():.{digits}f} ± {half(values):.{digits}f}"


def difference(values: NDArray[np.float64], others: NDArray[np.float64], digits: int = 3) -> str:
    """The mean of paired differences, values minus others, with its interval.

    Example:
        >>> difference(np.array([0.8, 0.81, 0.82]), np.array([0.7, 0.72, 0.71]))
        '+0.100 ± 0.025'
    """
    gain = values - others
    return f"{gain.mean():+.{digits}f} ± {half(gain):.{digits}f}"
