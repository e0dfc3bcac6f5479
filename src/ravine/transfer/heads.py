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
from ravine.stats.calibration import probabilities
from ravine.stats.scores import negative_log_likelihood
from ravine.transfer.certified import RELATIVE_GAP, Certified, minima
from ravine.transfer.ridge import Floats, decompose

SCORES, VECTORS, NUMBERS = 4, 40, 1 << 27
"""Copies of [N, C] and of [C, D] that a head needs while it is fitted, and how many numbers may stand side by side."""

RANKED_GAP = 1e-3
"""What a minimum may still take off the loss of a head that is only compared with others, as a share of it. On features
of 1,600 pictures it halved the time of a millionth, and moved no held-out likelihood by more than 0.001."""


@dataclass(frozen=True)
class Heads:
    """K linear layers: weights [K, C, D] and biases [K, C], float32."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32], head: int) -> NDArray[np.float32]:
        """Logits [N, C] of one head."""
        return features @ self.weight[head].T + self.bias[head]


def fit_heads(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    penalties: NDArray[np.float64],
    weights: NDArray[np.floating] | NDArray[np.bool_],
    optimizer: Minimizer,
    relative_gap: float = RELATIVE_GAP,
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
        relative_gap: What a minimum may still take off the loss of a head, as a share of it.

    Raises:
        TrainingError: A head has no finite loss.

    Example:
        >>> from ravine.optim.second_order.lbfgs import LBFGS
        >>> x, y = np.array([[1.0], [2.0], [-1.0], [-2.0]], np.float32), np.array([0, 0, 1, 1])
        >>> heads = fit_heads(x, y, 2, np.array([0.1]), np.ones((1, 4), bool), LBFGS())
        >>> heads.logits(x, 0).argmax(1).tolist()
        [0, 0, 1, 1]
    """
    centre = features.mean(axis=0, dtype=np.float64)
    if not np.isfinite(centre).all():
        raise TrainingError("The head has no finite loss: a feature is not finite. Look at the pictures and weights.")
    scores, _, axes = decompose(features - centre)
    shares = torch.from_numpy(weights / weights.sum(axis=1, keepdims=True))
    x, y, strengths = torch.from_numpy(scores), torch.from_numpy(labels), torch.from_numpy(penalties)
    parts = [
        minima(x, y, classes, strengths[part], shares if len(shares) == 1 else shares[part], optimizer, relative_gap)
        for part in _parts(len(penalties), len(x), classes, x.shape[1])
    ]
    return _in_features(parts, classes, axes, centre)


def _in_features(parts: list[Certified], classes: int, axes: Floats, centre: Floats) -> Heads:
    """Heads on the features as they are, from heads in the axes of their covariance."""
    theta, loss = (np.concatenate([getattr(part, name).numpy() for part in parts]) for name in ("theta", "loss"))
    if not np.isfinite(loss).all():
        raise TrainingError("The head has no finite loss: the features are too large. Look at the weights.")
    weight = theta[:, :-classes].reshape(len(theta), classes, -1) @ axes.T
    return Heads(weight.astype(np.float32), (theta[:, -classes:] - weight @ centre).astype(np.float32))


def _parts(heads: int, pictures: int, classes: int, width: int) -> list[slice]:
    """Runs of heads that are fitted together, so that scores, history and their copies stay below a limit."""
    numbers = classes * (SCORES * pictures + VECTORS * width)
    step = max(1, NUMBERS // numbers)
    return [slice(start, start + step) for start in range(0, heads, step)]


@dataclass(frozen=True)
class Ranking:
    """Penalties judged on pictures that the heads did not see.

    Attributes:
        penalties: [L].
        nll: Mean negative log-likelihood of each, [L].
        logits: Held-out logits [L, N, C].
    """

    penalties: tuple[float, ...]
    nll: tuple[float, ...]
    logits: NDArray[np.float32]


def rank_penalties(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    penalties: tuple[float, ...],
    folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    optimizer: Minimizer,
    importance: NDArray[np.float64] | None = None,
) -> Ranking:
    """Judge every penalty on held-out pictures.

    Args:
        features: [N, D].
        labels: [N].
        classes: C.
        penalties: The λ that compete.
        folds: Pairs (fit, held) of row numbers; the held rows of all pairs are judged together.
        optimizer: A full-batch minimizer.
        importance: [N], what each picture counts in the fits, above 0; None for all alike. It does not count in the
            judgement.

    Returns:
        The ranking; its logits cover the held rows in ascending order.
    """
    weights = np.zeros((len(folds), len(labels)))
    for number, (fit, _) in enumerate(folds):
        weights[number, fit] = 1.0 if importance is None else importance[fit]
    lambdas = np.repeat(np.array(penalties), len(folds))
    heads = fit_heads(features, labels, classes, lambdas, np.tile(weights, (len(penalties), 1)), optimizer, RANKED_GAP)
    held_out = np.full((len(penalties), len(labels), classes), np.nan, np.float32)
    for place in range(len(penalties)):
        for number, (_, held) in enumerate(folds):
            held_out[place, held] = heads.logits(features[held], place * len(folds) + number)
    rows = np.sort(np.concatenate([held for _, held in folds]))
    z = held_out[:, rows]
    nll = tuple(negative_log_likelihood(probabilities(one), labels[rows]) for one in z)
    return Ranking(tuple(penalties), nll, z)
