"""Linear softmax heads on fixed features: every penalty and every fold is one row of one population.

minimize over W, b:   (1/n) Σᵢ −log softmax(W xᵢ + b)[yᵢ]  +  (λ/2) ‖W‖²

The objective is convex, so that a fit depends on nothing but its data and λ. With λ = 1/(C n) its minimum is that of
scikit-learn's LogisticRegression(C=C). All fits share the features, which are turned into the axes of their covariance
once (directions in which no picture differs fall away), so that one step of all of them is one wide matrix product.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.base.errors import TrainingError
from ravine.optim.second_order.minimizer import Minimizer
from ravine.transfer.certified import RELATIVE_GAP, minima
from ravine.transfer.ridge import Floats, decompose

SCORES, VECTORS, NUMBERS = 4, 40, 1 << 27
"""Copies of [N, C] and of [C, D] that a head needs while it is fitted, and how many numbers may stand side by side."""

RANKED_GAP = 3e-4
"""What a minimum may still take off the loss of a head that is only compared with others, as a share of it, by an
estimate. On features of 2,000 pictures it took a fifth fewer evaluations than a thousandth by a bound, on those of 150
hardly fewer, and moved no held-out likelihood near the best by more than 0.001; an estimate of a thousandth moved some
by 0.01 on skewed made-up features."""


@dataclass(frozen=True)
class Heads:
    """K linear layers: weights [K, C, D] and biases [K, C], float32."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32], head: int) -> NDArray[np.float32]:
        """Logits [N, C] of one head."""
        return features @ self.weight[head].T + self.bias[head]

    def at(self, places: slice) -> "Heads":
        """Some of them."""
        return Heads(self.weight[places], self.bias[places])

    def mean(self) -> "Heads":
        """One head, the mean of all."""
        return Heads(self.weight.mean(0, keepdims=True), self.bias.mean(0, keepdims=True))


def fit_heads(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    penalties: NDArray[np.float64],
    weights: NDArray[np.floating] | NDArray[np.bool_],
    optimizer: Minimizer,
) -> Heads:
    """Fit K heads at once.

    Args:
        features: [N, D].
        labels: [N], class numbers.
        classes: C.
        penalties: [K], the λ of each head, above 0.
        weights: [K, N] or [1, N], what each picture counts in the mean loss of a head, relative to the others; 0, or
            false, where the head is not fitted to it.
        optimizer: A full-batch minimizer.

    Raises:
        TrainingError: A head has no finite loss.

    Example:
        >>> from ravine.optim.second_order.lbfgs import LBFGS
        >>> x, y = np.array([[1.0], [2.0], [-1.0], [-2.0]], np.float32), np.array([0, 0, 1, 1])
        >>> heads = fit_heads(x, y, 2, np.array([0.1]), np.ones((1, 4), bool), LBFGS())
        >>> heads.logits(x, 0).argmax(1).tolist()
        [0, 0, 1, 1]
    """
    return Turned.of(features).fitted(labels, classes, penalties, weights, optimizer)


@dataclass(frozen=True, eq=False)
class Turned:
    """Features in the axes of their covariance, to which several sets of heads are fitted.

    Attributes:
        scores: [N, R].
        axes: [D, R].
        centre: The mean, [D].
    """

    scores: Floats
    axes: Floats
    centre: Floats

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> "Turned":
        """Turn features [N, D].

        Raises:
            TrainingError: One of them is not finite.
        """
        check_finite(features)
        centre = features.mean(axis=0, dtype=np.float64)
        scores, _, axes = decompose(features - centre)
        return cls(scores, axes, centre)

    def fitted(
        self,
        labels: NDArray[np.int64],
        classes: int,
        penalties: NDArray[np.float64],
        weights: NDArray[np.floating] | NDArray[np.bool_],
        optimizer: Minimizer,
        *,
        ranked: bool = False,
        start: Heads | None = None,
    ) -> Heads:
        """Fit K heads at once; see `fit_heads`.

        Args:
            labels: [N].
            classes: C.
            penalties: [K].
            weights: [K, N] or [1, N].
            optimizer: A full-batch minimizer.
            ranked: Whether they only compete, so that they may stop earlier.
            start: K heads that are near, to begin with; zeros if not given.

        Raises:
            TrainingError: A head has no finite loss.
        """
        shares = torch.from_numpy(weights / weights.sum(axis=1, keepdims=True))
        x, y, strengths = torch.from_numpy(self.scores), torch.from_numpy(labels), torch.from_numpy(penalties)
        near = torch.from_numpy(self._theta(start)) if start else None
        gap = RANKED_GAP if ranked else RELATIVE_GAP
        found = []
        for part in _parts(len(penalties), len(x), classes, x.shape[1]):
            share, begin = shares if len(shares) == 1 else shares[part], None if near is None else near[part]
            found.append(minima(x, y, classes, strengths[part], share, optimizer, gap, not ranked, begin))
        if not all(bool(one.loss.isfinite().all()) for one in found):
            raise TrainingError("The head has no finite loss: the features are too large. Look at the weights.")
        return self._heads(np.concatenate([one.theta.numpy() for one in found]), classes)

    def _theta(self, heads: Heads) -> Floats:
        """Heads in these axes: W, row by row, and b of each, [K, P]."""
        weight = heads.weight.astype(np.float64)
        return np.concatenate([(weight @ self.axes).reshape(len(weight), -1), heads.bias + weight @ self.centre], 1)

    def _heads(self, theta: Floats, classes: int) -> Heads:
        """The same in the axes of the features."""
        weight = theta[:, :-classes].reshape(len(theta), classes, -1) @ self.axes.T
        return Heads(weight.astype(np.float32), (theta[:, -classes:] - weight @ self.centre).astype(np.float32))


def check_finite(features: NDArray[np.float32]) -> None:
    """Refuse features to which nothing can be fitted.

    Raises:
        TrainingError: One of them is not finite.
    """
    if not np.isfinite(features).all():
        raise TrainingError("The head has no finite loss: a feature is not finite. Look at the pictures and weights.")


def _parts(heads: int, pictures: int, classes: int, width: int) -> list[slice]:
    """Runs of heads that are fitted together, so that scores, history and their copies stay below a limit."""
    numbers = classes * (SCORES * pictures + VECTORS * width)
    step = max(1, NUMBERS // numbers)
    return [slice(start, start + step) for start in range(0, heads, step)]
