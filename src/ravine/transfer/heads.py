"""Linear softmax heads on fixed features: every penalty and every fold is one row of one population.

minimize over W, b:   (1/n) Σᵢ −log softmax(W xᵢ + b)[yᵢ]  +  (λ/2) ‖W‖²

The objective is convex, so that a fit depends on nothing but its data and λ. With λ = 1/(C n) its minimum is that of
scikit-learn's LogisticRegression(C=C). All fits share the features, which are turned into the axes of their covariance
once (directions in which no picture differs fall away), so that one step of all of them is one wide matrix product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.base.errors import TrainingError
from ravine.optim.second_order.minimizer import Minimizer
from ravine.stats.calibration import probabilities
from ravine.stats.paired import mean_difference
from ravine.transfer.certified import RELATIVE_GAP, minima
from ravine.transfer.ridge import Floats, decompose

SCORES, VECTORS, NUMBERS = 4, 40, 1 << 27
"""Copies of [N, C] and of [C, D] that a head needs while it is fitted, and how many numbers may stand side by side."""

RANKED_GAP = 3e-4
"""What a minimum may still take off the loss of a head that is only compared with others, as a share of it, by an
estimate. On features of 2,000 pictures it took a fifth fewer evaluations than a thousandth by a bound, on those of 150
hardly fewer, and moved no held-out likelihood near the best by more than 0.001; an estimate of a thousandth moved some
by 0.01 on skewed made-up features."""

STRONG, CHANCE, FEWEST_JUDGES = 4, 0.01, 30
"""Penalties after which the likelihood may have fallen clearly, the chance that it only seems so, and by how many
pictures at least."""


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
    return _fitted(_turned(features), labels, classes, penalties, weights, optimizer)


@dataclass(frozen=True, eq=False)
class _Turned:
    """Features in the axes of their covariance, [N, R]; the axes [D, R], and the mean [D]."""

    scores: Floats
    axes: Floats
    centre: Floats


def check_finite(features: NDArray[np.float32]) -> None:
    """Refuse features to which nothing can be fitted.

    Raises:
        TrainingError: One of them is not finite.
    """
    if not np.isfinite(features).all():
        raise TrainingError("The head has no finite loss: a feature is not finite. Look at the pictures and weights.")


def _turned(features: NDArray[np.float32]) -> _Turned:
    check_finite(features)
    centre = features.mean(axis=0, dtype=np.float64)
    scores, _, axes = decompose(features - centre)
    return _Turned(scores, axes, centre)


def _fitted(
    turned: _Turned,
    labels: NDArray[np.int64],
    classes: int,
    penalties: NDArray[np.float64],
    weights: NDArray[np.floating] | NDArray[np.bool_],
    optimizer: Minimizer,
    ranked: bool = False,
) -> Heads:
    """See `fit_heads`; heads that only compete may stop earlier."""
    shares = torch.from_numpy(weights / weights.sum(axis=1, keepdims=True))
    x, y, strengths = torch.from_numpy(turned.scores), torch.from_numpy(labels), torch.from_numpy(penalties)
    gap = RANKED_GAP if ranked else RELATIVE_GAP
    parts = [
        minima(x, y, classes, strengths[part], shares if len(shares) == 1 else shares[part], optimizer, gap, not ranked)
        for part in _parts(len(penalties), len(x), classes, x.shape[1])
    ]
    theta, loss = (np.concatenate([getattr(part, name).numpy() for part in parts]) for name in ("theta", "loss"))
    if not np.isfinite(loss).all():
        raise TrainingError("The head has no finite loss: the features are too large. Look at the weights.")
    weight = theta[:, :-classes].reshape(len(theta), classes, -1) @ turned.axes.T
    return Heads(weight.astype(np.float32), (theta[:, -classes:] - weight @ turned.centre).astype(np.float32))


def _parts(heads: int, pictures: int, classes: int, width: int) -> list[slice]:
    """Runs of heads that are fitted together, so that scores, history and their copies stay below a limit."""
    numbers = classes * (SCORES * pictures + VECTORS * width)
    step = max(1, NUMBERS // numbers)
    return [slice(start, start + step) for start in range(0, heads, step)]


@dataclass(frozen=True)
class Ranking:
    """Penalties judged on pictures that the heads did not see.

    Attributes:
        penalties: [L], from weak to strong.
        nll: Mean negative log-likelihood of each, [L].
        logits: Held-out logits [L, N, C].
    """

    penalties: tuple[float, ...]
    nll: tuple[float, ...]
    logits: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Judge:
    """What judges penalties: see `rank_penalties`."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: int
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
    optimizer: Minimizer
    importance: NDArray[np.float64] | None

    def judged(self, penalties: Sequence[float]) -> dict[float, NDArray[np.float32]]:
        """Held-out logits of each, [n, C]."""
        weights = np.zeros((len(self.folds), len(self.labels)))
        for number, (fit, _) in enumerate(self.folds):
            weights[number, fit] = 1.0 if self.importance is None else self.importance[fit]
        lambdas, every = np.repeat(np.array(penalties), len(self.folds)), np.tile(weights, (len(penalties), 1))
        heads = _fitted(self._turned, self.labels, self.classes, lambdas, every, self.optimizer, ranked=True)
        held_out = np.full((len(penalties), len(self.labels), self.classes), np.nan, np.float32)
        for place in range(len(penalties)):
            for number, (_, held) in enumerate(self.folds):
                held_out[place, held] = heads.logits(self.features[held], place * len(self.folds) + number)
        return dict(zip(penalties, held_out[:, self._rows], strict=True))

    def losses(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Negative log-likelihoods [n]."""
        labels = self.labels[self._rows]
        return -np.log(np.maximum(probabilities(logits)[np.arange(len(labels)), labels], np.finfo(np.float64).tiny))

    @cached_property
    def _turned(self) -> _Turned:
        return _turned(self.features)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """The held rows of all folds, ascending."""
        return np.sort(np.concatenate([held for _, held in self.folds]))


def rank_penalties(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    penalties: tuple[float, ...],
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    optimizer: Minimizer,
    importance: NDArray[np.float64] | None = None,
    every: bool = False,
) -> Ranking:
    """Judge penalties on held-out pictures: first the strong ones and the weakest, then those between them.

    The weaker a penalty, the longer its heads take. Where the likelihood has fallen clearly among the strong ones, and
    the weakest does no better, those between are left out, unless every one is asked for. It could have a second peak
    there; on features of pretrained networks none was seen.

    Args:
        features: [N, D].
        labels: [N].
        classes: C.
        penalties: The λ that compete.
        folds: Pairs (fit, held) of row numbers; the held rows of all pairs are judged together.
        optimizer: A full-batch minimizer.
        importance: [N], what each picture counts in the fits, above 0; None for all alike. It does not count in the
            judgement.
        every: Whether all penalties are judged.

    Returns:
        The ranking of those that were judged; its logits cover the held rows in ascending order.
    """
    judge, order = _Judge(features, labels, classes, folds, optimizer, importance), sorted(set(penalties), reverse=True)
    strong, between = order[:STRONG], order[STRONG:-1]
    found = judge.judged([*strong, *order[STRONG:][-1:]])
    losses = {penalty: judge.losses(z) for penalty, z in found.items()}
    if between and (every or not _falls(losses, strong)):
        found |= judge.judged(between)
        losses |= {penalty: judge.losses(found[penalty]) for penalty in between}
    judged = sorted(found)
    nll = tuple(float(losses[penalty].mean()) for penalty in judged)
    return Ranking(tuple(judged), nll, np.stack([found[penalty] for penalty in judged]))


def _falls(losses: Mapping[float, NDArray[np.float64]], strong: Sequence[float]) -> bool:
    """Whether the best is one of the strong penalties, and the weakest of these is clearly worse."""
    best, last = min(losses, key=lambda penalty: losses[penalty].mean()), losses[strong[-1]]
    enough = len(last) >= FEWEST_JUDGES and best in strong[:-1]
    return enough and mean_difference(losses[best], last).low(CHANCE) > 0
