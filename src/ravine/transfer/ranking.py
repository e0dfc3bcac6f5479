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
pictures at least."""

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
        """The same, with the mean negative log-likelihoods of all and of one more on the held pictures of few folds."""
        few = self.folds[: self._enough]
        heads, held = self._competing(penalties, [further]), [rows for _, rows in few]
        found = self._judged(penalties, heads)
        places = np.searchsorted(self._rows, np.concatenate(held))
        losses = [self._losses(heads.logits(self.features[rows], n - len(few)), rows) for n, rows in enumerate(held)]
        means = {penalty: float(one.losses[places].mean()) for penalty, one in found.items()}
        return found, means | {further: float(np.concatenate(losses).mean())}

    def _competing(self, penalties: Sequence[float], further: Sequence[float] = ()) -> Heads:
        """The heads of each penalty, fold by fold; then those of further penalties for the first few folds."""
        weights = np.zeros((len(self.folds), len(self.labels)))
        for number, (fit, _) in enumerate(self.folds):
            weights[number, fit] = 1.0 if self.importance is None else self.importance[fit]
        few = weights[: self._enough]
        lambdas = [*np.repeat(penalties, len(weights)), *np.repeat(further, len(few))]
        every = [np.tile(weights, (len(penalties), 1)), np.tile(few, (len(further), 1))]
        return self.fitted(lambdas, np.concatenate(every), ranked=True)

    def _judged(self, penalties: Sequence[float], heads: Heads) -> dict[float, _Judged]:
        count = len(self.folds)
        logits = np.full((len(penalties), len(self.labels), self.classes), np.nan, np.float32)
        for place in range(len(penalties)):
            for number, (_, held) in enumerate(self.folds):
                logits[place, held] = heads.logits(self.features[held], place * count + number)
        logits = logits[:, self._rows]
        losses = [self._losses(z, self._rows) for z in logits]
        means = [heads.at(slice(place * count, (place + 1) * count)).mean() for place in range(len(penalties))]
        return dict(zip(penalties, map(_Judged, logits, losses, means), strict=True))

    def fitted(
        self,
        penalties: Sequence[float] | NDArray[np.float64],
        weights: NDArray[np.floating],
        *,
        ranked: bool = False,
        start: Heads | None = None,
    ) -> Heads:
        """Heads on all rows; see `Turned.fitted`."""
        strengths = np.asarray(penalties, np.float64)
        return self._turned.fitted(
            self.labels, self.classes, strengths, weights, self.optimizer, ranked=ranked, start=start
        )

    def _losses(self, logits: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        labels = self.labels[rows]
        return -np.log(np.maximum(probabilities(logits)[np.arange(len(labels)), labels], np.finfo(np.float64).tiny))

    @cached_property
    def _turned(self) -> Turned:
        return Turned.of(self.features)

    @cached_property
    def _enough(self) -> int:
        """How many folds have enough held pictures for a glance."""
        held = np.cumsum([len(rows) for _, rows in self.folds])
        return min(len(held), int(np.searchsorted(held, GLANCE)) + 1)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """The held rows of all folds, ascending."""
        return np.sort(np.concatenate([held for _, held in self.folds]))


@dataclass(frozen=True, eq=False)
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
    _judge: _Judge
    _means: Sequence[Heads]

    def fit(self, place: int, weights: NDArray[np.floating]) -> Heads:
        """The head of the penalty at a place, fitted to other pictures; it starts from the mean of those of its folds.

        Args:
            place: From 0.
            weights: [N], what each picture counts; 0 where the head is not fitted to it.

        Raises:
            TrainingError: The head has no finite loss.
        """
        return self._judge.fitted([self.penalties[place]], weights[None], start=self._means[place])


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
    strong, weaker = order[:STRONG], order[STRONG:]
    if every or not weaker:
        found = judge.judged(order)
    else:
        found, glance = judge.glanced(strong, weaker[-1])
        best = min(strong, key=lambda penalty: found[penalty].losses.mean())
        if glance[weaker[-1]] < glance[best] or not _falls(found[best], found[strong[-1]]):
            found |= judge.judged(weaker)
    judged = [found[penalty] for penalty in sorted(found)]
    nll = tuple(float(one.losses.mean()) for one in judged)
    logits, means = np.stack([one.logits for one in judged]), [one.mean for one in judged]
    return Ranking(tuple(sorted(found)), nll, logits, judge, means)


def _falls(best: _Judged, last: _Judged) -> bool:
    """Whether the weakest of the strong penalties is clearly worse than the best."""
    return len(last.losses) >= FEWEST_JUDGES and mean_difference(best.losses, last.losses).low(CHANCE) > 0
