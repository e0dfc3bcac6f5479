"""How much worse a choice is than the best one, when the best is not known but has to be found on pictures as well."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

HALVINGS, RESAMPLES = 200, 10_000


def regrets(right: Mapping[str, NDArray[np.bool_]], choices: Mapping[str, str], seed: int = 0) -> dict[str, float]:
    """What each policy loses against the oracle, in accuracy.

    The oracle takes the candidate that is best on one half of the test pictures and is scored, as everyone is, on the
    other half; then the reverse; the mean over many ways to halve them. So it has no luck from the pictures that judge.

    Args:
        right: Which test pictures each candidate got right, bool [N]; of equally good ones, the first counts as best.
        choices: The candidate that each policy takes.
        seed: Of the halves.

    Example:
        >>> one, other = np.arange(100) < 90, np.arange(100) < 80
        >>> regrets({"head": one, "all": other}, {"always all": "all"})["always all"].__round__(6)
        0.1
    """
    names = list(right)
    answers = np.stack([right[name] for name in names]).astype(np.float64)
    count = answers.shape[1]
    generator = np.random.default_rng(seed)
    halves = np.stack([generator.permutation(count) < count // 2 for _ in range(HALVINGS)])
    halves = np.concatenate([halves, ~halves])
    found = answers @ halves.T / halves.sum(1)
    judged = answers @ ~halves.T / (~halves).sum(1)
    oracle = judged[found.argmax(0), np.arange(len(halves))]
    return {policy: float((oracle - judged[names.index(name)]).mean()) for policy, name in choices.items()}


def interval(groups: Sequence[Sequence[float]], seed: int = 0) -> tuple[float, float, float]:
    """The mean over data sets of their means, and the ends of its 95 % percentile bootstrap interval over data sets.

    Args:
        groups: Values of each data set.
        seed: Of the resampling.

    Example:
        >>> interval([[0.01, 0.03], [0.02]])
        (0.02, 0.02, 0.02)
    """
    means = np.array([np.mean(group) for group in groups])
    generator = np.random.default_rng(seed)
    again = means[generator.integers(0, len(means), (RESAMPLES, len(means)))].mean(1)
    low, high = np.quantile(again, (0.025, 0.975))
    return float(means.mean()), float(low), float(high)
