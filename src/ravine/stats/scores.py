"""What a classifier is worth on labelled pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ravine.stats.intervals import wilson

BINS = 15


@dataclass(frozen=True)
class ClassScore:
    """One class: how many pictures, and how well it is told from the others."""

    name: str
    n: int
    precision: float
    recall: float
    recall_interval: tuple[float, float]
    f1: float


@dataclass(frozen=True)
class Scores:
    """The measures of one evaluation.

    Attributes:
        n: Pictures judged.
        accuracy: Share of pictures whose most probable class is the true one.
        accuracy_interval: Its 95 % Wilson interval.
        macro_f1: Mean over classes of the F1 score; classes without a picture are left out.
        nll: Mean negative log-likelihood of the true class, in nats.
        brier: Mean over pictures of the squared distance between probabilities and truth, in [0, 2].
        ece: Expected calibration error over 15 equal bins of confidence.
        classes: One row a class.
        confusion: Counts [true, predicted].
    """

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    nll: float
    brier: float
    ece: float
    classes: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]

    def summary(self) -> dict[str, Any]:
        """The figures as plain numbers, for JSON."""
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "macro_f1": self.macro_f1,
            "nll": self.nll,
            "brier": self.brier,
            "ece": self.ece,
            "n": self.n,
        }


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in bins: edges [B + 1], and for each bin the count and the two means."""

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """Σ_b (n_b / n) |accuracy_b − confidence_b|; Guo et al. 2017, equation 3."""
        weight = self.count / max(1, self.count.sum())
        return float((weight * np.abs(self.accuracy - self.confidence)).sum())


def reliability(probabilities: NDArray[np.float64], labels: NDArray[np.int64], bins: int = BINS) -> Reliability:
    """Sort pictures into bins of confidence, and compare confidence with accuracy in each.

    Args:
        probabilities: [N, C], rows sum to 1.
        labels: [N], class numbers.
        bins: How many bins of equal width.

    Returns:
        The bins; an empty one has zeros.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    share = np.maximum(count, 1)
    return Reliability(
        edges=np.linspace(0, 1, bins + 1),
        count=count,
        confidence=np.bincount(place, confidence, bins) / share,
        accuracy=np.bincount(place, right, bins) / share,
    )


def negative_log_likelihood(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Mean of −log p(true class), in nats; a probability of zero counts as the smallest positive number."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean())


def score(probabilities: NDArray[np.float64], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Scores:
    """Measure probabilities against labels.

    Args:
        probabilities: [N, C], rows sum to 1.
        labels: [N], class numbers in [0, C).
        classes: C names.

    Returns:
        All measures; N must be at least 1.

    Example:
        >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> s = score(p, np.array([0, 1, 1]), ("cat", "dog"))
        >>> round(s.accuracy, 3), round(s.nll, 3), s.confusion.tolist()
        (0.667, 0.415, [[1, 0], [1, 1]])
    """
    probabilities = probabilities.astype(np.float64)
    predicted = probabilities.argmax(axis=1)
    confusion = _confusion(labels, predicted, len(classes))
    hits, seen, said = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = hits / np.maximum(said, 1), hits / np.maximum(seen, 1)
    f1 = 2 * hits / np.maximum(seen + said, 1)
    rows = tuple(
        ClassScore(name, n, p, r, wilson(k, n), f)
        for name, n, p, r, k, f in zip(
            classes, *(column.tolist() for column in (seen, precision, recall, hits, f1)), strict=True
        )
    )
    right = int(hits.sum())
    return Scores(
        n=len(labels),
        accuracy=right / len(labels),
        accuracy_interval=wilson(right, len(labels)),
        macro_f1=float(f1[seen > 0].mean()),
        nll=negative_log_likelihood(probabilities, labels),
        brier=float(((probabilities - np.eye(len(classes))[labels]) ** 2).sum(axis=1).mean()),
        ece=reliability(probabilities, labels).ece,
        classes=rows,
        confusion=confusion,
    )


def _confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
