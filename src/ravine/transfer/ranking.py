"""Penalties of linear heads judged by pictures that the heads were not fitted to, all folds at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ravine.optim.second_order.minimizer import Minimizer
from ravine.stats.calibration import probabilities
from ravine.stats.paired import mean_difference
from ravine.transfer.heads import Heads, Turned

STRONG, CHANCE, FEWEST_JUDGES = 4, 0.01, 30
"""Penalties after which the likelihood may have fallen clearly, the chance that it only seems so, and by how many
pictures at least; where fewer judge, no penalty is left out."""

GLANCE = 300
"""Held pictures that are enough to glance at a further penalty, where there are as many."""


class _Judged(NamedTuple):
    """A penalty: the held-out logits [n, C], their negative log-likelihoods [n], and the mean head of the folds."""

    logits: NDArray[np.float32]
    losses: NDArray[np.float64]
    mean: Heads


@dataclass(frozen=True, eq=False)
class _Judge:
    """What judges penalties: see `rank_penalties`."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: int
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
    optimizer: Minimizer
    importance: NDArray[np.float64] | None

    def judged(self, penalties: Sequence[float]) -> dict[float, _Judged]:
        """Each of them, by all folds."""
        return self._judged(penalties, self._competing(penalties))

    def glanced(self, penalties: Sequence[float], further: float) -> tuple[dict[float, _Judged], dict[float, float]]:
        """The same, with the mean negative log-likelihoods of all and of one more on the held pictures of few folds.

        Where the few are all folds, the one more is judged like the others.
        """
        few, places = self.folds[: self._enough], np.searchsorted(self.rows, self._glance)
        if len(few) == len(self.folds):
            found = self.judged([*penalties, further])
            return found, {penalty: float(one.losses.mean()) for penalty, one in found.items()}
        heads = self._competing(penalties, [further])
        found = self._judged(penalties, heads)
        means = {penalty: float(one.losses[places].mean()) for penalty, one in found.items()}
        logits = [heads.logits(self.features[held], n - len(few)) for n, (_, held) in enumerate(few)]
        return found, means | {further: float(self._losses(np.concatenate(logits), self._glance).mean())}

    def _competing(self, penalties: Sequence[float], further: Sequence[float] = ()) -> Heads:
        """The heads of each penalty, fold by fold; then those of further penalties for the first few folds."""
        weights = np.zeros((len(self.folds), len(self.labels)))
        for number, (fit, _) in enumerate(self.folds):
            weights[number, fit] = 1.0 if self.importance is None else self.importance[fit]
        few = weights[: self._enough]
        lambdas = np.concatenate([np.repeat(penalties, len(weights)), np.repeat(further, len(few))])
        every = np.concatenate([np.tile(weights, (len(penalties), 1)), np.tile(few, (len(further), 1))])
        return self.turned.fitted(self.labels, self.classes, lambdas, every, self.optimizer, ranked=True)

    def _judged(self, penalties: Sequence[float], heads: Heads) -> dict[float, _Judged]:
        count = len(self.folds)
        logits = np.full((len(penalties), len(self.labels), self.classes), np.nan, np.float32)
        for place in range(len(penalties)):
            for number, (_, held) in enumerate(self.folds):
                logits[place, held] = heads.logits(self.features[held], place * count + number)
        logits = logits[:, self.rows]
        losses = [self._losses(z, self.rows) for z in logits]
        means = [heads.at(slice(place * count, (place + 1) * count)).mean() for place in range(len(penalties))]
        return dict(zip(penalties, map(_Judged, logits, losses, means), strict=True))

    def _losses(self, logits: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        labels = self.labels[rows]
        return -np.log(np.maximum(probabilities(logits)[np.arange(len(labels)), labels], np.finfo(np.float64).tiny))

    @cached_property
    def turned(self) -> Turned:
        """The features."""
        return Turned.of(self.features)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The held rows of all folds, ascending."""
        return np.sort(np.concatenate([held for _, held in self.folds]))

    @cached_property
    def _enough(self) -> int:
        """How many folds have enough held pictures for a glance."""
        held = np.cumsum([len(rows) for _, rows in self.folds])
        return min(len(held), int(np.searchsorted(held, GLANCE)) + 1)

    @property
    def _glance(self) -> NDArray[np.int64]:
        """The held rows of these folds, fold by fold."""
        return np.concatenate([held for _, held in self.folds[: self._enough]])


@dataclass(frozen=True, eq=False)
class Ranking:
    """Penalties judged on pictures that the heads did not see.

    Attributes:
        penalties: [L], from weak to strong.
        nll: Mean negative log-likelihood of each, [L].
        logits: Held-out logits [L, N, C].
        means: Of each penalty, the mean of the heads of all folds, [L].
        turned: The features, for further heads; None where they are not kept.
    """

    penalties: tuple[float, ...]
    nll: tuple[float, ...]
    logits: NDArray[np.float32]
    means: tuple[Heads, ...]
    turned: Turned | None


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
    """Judge penalties on held-out pictures: first the strong ones, then the weaker ones.

    The weaker a penalty, the longer its heads take. Where the likelihood has fallen clearly among the strong ones, and
    the weakest of all does no better at a glance, on the first few folds, the weaker ones are left out, unless every
    one is asked for. It could have a second peak among them; on features of pretrained networks none was seen.

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
    found = _in_turn(judge, order, every)
    ranked = tuple(sorted(found))
    nll = tuple(float(found[penalty].losses.mean()) for penalty in ranked)
    logits, means = np.stack([found[penalty].logits for penalty in ranked]), (found[penalty].mean for penalty in ranked)
    return Ranking(ranked, nll, logits, tuple(means), judge.turned)


def _in_turn(judge: _Judge, order: Sequence[float], every: bool) -> dict[float, _Judged]:
    """Penalties judged, from strong to weak."""
    strong, weaker = order[:STRONG], order[STRONG:]
    if every or not weaker or len(judge.rows) < FEWEST_JUDGES:
        return judge.judged(order)
    found, glance = judge.glanced(strong, weaker[-1])
    best = min(strong, key=lambda penalty: found[penalty].losses.mean())
    if glance[weaker[-1]] < glance[best] or not _falls(found[best], found[strong[-1]]):
        found |= judge.judged([penalty for penalty in weaker if penalty not in found])
    return found


def _falls(best: _Judged, last: _Judged) -> bool:
    """Whether the weakest of the strong penalties is clearly worse than the best."""
    return mean_difference(best.losses, last.losses).low(CHANCE) > 0
