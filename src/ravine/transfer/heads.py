"""Linear softmax heads on fixed features: every penalty and every fold is one row of one population.

minimize over W, b:   (1/n) Σᵢ −log softmax(W xᵢ + b)[yᵢ]  +  (λ/2) ‖W‖²

The objective is convex, so that a fit depends on nothing but its data and λ. With λ = 1/(C n) its minimum is that of
scikit-learn's LogisticRegression(C=C). All fits share the features, so that one step of all of them is one wide
matrix product.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.base.errors import TrainingError
from ravine.optim.second_order.minimizer import Minimizer
from ravine.optim.second_order.softmax_head import SoftmaxHeads
from ravine.stats.calibration import probabilities
from ravine.stats.scores import negative_log_likelihood

MAX_STEPS = 2_000
RELATIVE_TOLERANCE = 1e-5
"""Of the greatest entry of the gradient, relative to its value at zero weights."""


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
    centre = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    x = torch.from_numpy(features - centre)
    shares = torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)).float()
    problem = SoftmaxHeads(x, torch.from_numpy(labels), classes, torch.from_numpy(penalties), shares)
    theta = torch.zeros(len(penalties), problem.parameters)
    _, start = problem(theta, torch.arange(len(penalties)))
    found = optimizer.run(
        problem,
        theta,
        max_steps=MAX_STEPS,
        max_evaluations=2 * MAX_STEPS,
        gtol=RELATIVE_TOLERANCE * start.abs().amax(1),
    )
    if not bool(torch.isfinite(found.loss).all()):
        raise TrainingError(
            "The head has no finite loss: a feature is not finite. Look at the pictures and the weights."
        )
    weight = found.theta[:, :-classes].reshape(len(penalties), classes, -1).numpy()
    return Heads(weight, found.theta[:, -classes:].numpy() - weight @ centre)


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
    heads = fit_heads(features, labels, classes, lambdas, np.tile(weights, (len(penalties), 1)), optimizer)
    held_out = np.full((len(penalties), len(labels), classes), np.nan, np.float32)
    for place in range(len(penalties)):
        for number, (_, held) in enumerate(folds):
            held_out[place, held] = heads.logits(features[held], place * len(folds) + number)
    rows = np.sort(np.concatenate([held for _, held in folds]))
    z = held_out[:, rows]
    nll = tuple(negative_log_likelihood(probabilities(one), labels[rows]) for one in z)
    return Ranking(tuple(penalties), nll, z)
