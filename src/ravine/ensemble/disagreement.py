"""How far the members of a committee disagree about a picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Two measures of N pictures; 0 where all members agree.

    Attributes:
        mutual_information: [N], in nats, between 0 and log(min(M, C)).
        variation_ratio: [N], between 0 and 1 − 1/min(M, C).
    """

    mutual_information: NDArray[np.float64]
    variation_ratio: NDArray[np.float64]


def disagreement(log_probabilities: NDArray[np.floating], votes: NDArray[np.floating]) -> Disagreement:
    """Measure disagreement between members.

        p̄ = Σₘ wₘ·pₘ
        mutual information    I = H(p̄) − Σₘ wₘ·H(pₘ),    H(p) = −Σ p·log p
        variation ratio       v = 1 − the votes for the class that most vote for

    A picture can be uncertain because each member finds it so, which shows in H(p̄) alone, or because members differ,
    which shows here: there more pictures of its kind would help.

    Source: Houlsby, Huszár, Ghahramani and Lengyel, "Bayesian Active Learning for Classification and Preference
    Learning", 2011, section 2 (the information that the answer has about the model); Gal, "Uncertainty in Deep
    Learning", 2016, section 3.3.1 (both).

    Args:
        log_probabilities: [N, M, C].
        votes: w, [M], positive, with sum 1.

    Example:
        >>> split = disagreement(np.log([[[1.0, 1e-30], [1e-30, 1.0]]]), np.array([0.5, 0.5]))
        >>> split.mutual_information.round(3).tolist(), split.variation_ratio.tolist()
        ([0.693], [0.5])
    """
    said, w = log_probabilities.astype(np.float64), votes.astype(np.float64) / votes.sum()
    p = np.exp(said)
    own = -_times_log(p, said).sum(axis=2) @ w
    mean = np.einsum("nmc,m->nc", p, w)
    both = -_times_log(mean, np.log(np.maximum(mean, np.finfo(np.float64).tiny))).sum(axis=1)
    chosen = np.eye(p.shape[2])[said.argmax(axis=2)]
    ratio = 1 - np.einsum("nmc,m->nc", chosen, w).max(axis=1)
    return Disagreement(np.maximum(both - own, 0.0), np.maximum(ratio, 0.0))


def _times_log(p: NDArray[np.float64], logarithm: NDArray[np.float64]) -> NDArray[np.float64]:
    """p·log p, which is 0 where p is."""
    return np.where(p > 0, p * np.where(p > 0, logarithm, 0.0), 0.0)
