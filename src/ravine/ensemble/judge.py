"""What mixtures of candidates are worth on validation pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ravine.ensemble.recipe import Mixture, mixture
from ravine.stats.calibration import probabilities
from ravine.stats.scores import score

Measure = Literal["nll", "accuracy", "macro_f1"]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Judge:
    """Evaluates on validation pictures what would be shipped.

    Attributes:
        logits: From a mixture of candidates to its logits [N, C], with the statistics of batch norm that it would have.
        labels: [N], class numbers.
        measure: By which one answer is better than another.

    Example:
        >>> judge = Judge(lambda shares: np.array([[2.0, 0.0]]), np.array([0]), "accuracy")
        >>> judge.worth(judge.probabilities((1.0,)))
        1.0
    """

    logits: Callable[[Mixture], NDArray[np.floating]]
    labels: NDArray[np.int64]
    measure: Measure = "nll"

    def probabilities(self, shares: Mixture) -> Probabilities:
        """What a mixture says, [N, C]."""
        return probabilities(self.logits(shares))

    def alone(self, candidates: int) -> list[Probabilities]:
        """What each of M candidates says as it is."""
        return [self.probabilities(mixture([place], candidates)) for place in range(candidates)]

    def worth(self, said: Probabilities) -> float:
        """The measure, turned so that greater is better; −∞ where a probability is not a number."""
        if not np.isfinite(said).all():
            return -np.inf
        measures = score(said, self.labels, tuple(map(str, range(said.shape[1]))))
        return -measures.nll if self.measure == "nll" else float(getattr(measures, self.measure))


def by_worth(worths: Sequence[float]) -> list[int]:
    """Places from the best to the worst; equals in their order.

    Example:
        >>> by_worth([0.5, 0.75, 0.5])
        [1, 0, 2]
    """
    return sorted(range(len(worths)), key=lambda place: -worths[place])
