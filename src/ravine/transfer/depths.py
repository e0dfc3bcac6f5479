"""Depths and penalties compete for a head: every pair is judged on pictures that it was not fitted to.

A candidate reads one depth of the body, or several side by side. Its features are brought to one scale first, so that a
penalty means the same everywhere:  x_d → s_d x_d  with  s_d² v_d = v_T / m  for each of its m depths, where v_d is the
mean squared distance of the features of depth d from their mean, and T the last depth, which stays as it is when it
stands alone. The scales go into the weights of the head in the end.

Not every earlier depth is worth a contest: narrow features need hundreds of rounds of a minimizer. A ridge head, which
has a closed form, says by the same held pictures which earlier depth tells the classes apart best; that one competes
with the last depth, and with all of them together.

Source: U. Evci et al., "Head2Toe: Utilizing intermediate representations for better transfer learning", ICML 2022,
arXiv 2201.03529, section 3 (features of all depths at one norm); without its selection of single features.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import PlanError
from ravine.experiment.fitted import select
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.plan import HeadChoices, Plan
from ravine.regularize.class_balance import ClassBalance
from ravine.stats.calibration import probabilities
from ravine.stats.scores import score
from ravine.transfer.heads import Turned, check_finite
from ravine.transfer.probes import penalties_for
from ravine.transfer.ranking import Ranking, rank_penalties
from ravine.transfer.ridge import fit_ridge

RIDGE_STEP = 3
"""Every third of the ridge penalties is enough to tell depths apart."""

Depths = tuple[int, ...]
Pairs = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a body says of N pictures.

    Attributes:
        features: float32 [V, N, D₁ + … + D_T], for each of V views; view 0 is the pictures as they are.
        columns: Where the features of each depth stand.
        names: What each depth is called.
    """

    features: NDArray[np.float32]
    columns: tuple[slice, ...]
    names: tuple[str, ...]

    def at(self, places: NDArray[np.int64]) -> "Seen":
        """The same of some pictures."""
        return Seen(self.features[:, places], self.columns, self.names)

    def words(self, depths: Depths) -> str:
        """Depths in words, such as "stage 2", or "stage 1 + stage 2 + last"."""
        return " + ".join(self.names[depth - 1] for depth in depths)

    @cached_property
    def spreads(self) -> tuple[float, ...]:
        """v_d of each depth, over the pictures as they are."""
        plain = self.features[0]
        return tuple(float(plain[:, part].var(axis=0, dtype=np.float64).sum()) for part in self.columns)

    def scales(self, depths: Depths) -> tuple[float, ...]:
        """s_d of some depths; 1 where all pictures have the same features."""
        own = [self.spreads[depth - 1] for depth in depths]
        return tuple((self.spreads[-1] / (len(depths) * spread)) ** 0.5 if spread else 1.0 for spread in own)

    def scaled(self, depths: Depths) -> NDArray[np.float32]:
        """The features of some depths side by side and at one scale, [V·N, D], view by view."""
        flat = self.features.reshape(-1, self.features.shape[-1])
        parts = [flat[:, self.columns[depth - 1]] for depth in depths]
        return np.concatenate([part * np.float32(s) for part, s in zip(parts, self.scales(depths), strict=True)], 1)

    def unscaled(self, depths: Depths, weight: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weights [C, D] on scaled features of some depths as weights [C, D₁ + … + D_T] on all as they are."""
        whole = np.zeros((len(weight), self.features.shape[-1]), np.float32)
        start = 0
        for depth, scale in zip(depths, self.scales(depths), strict=True):
            columns = self.columns[depth - 1]
            end = start + columns.stop - columns.start
            whole[:, columns] = weight[:, start:end] * np.float32(scale)
            start = end
        return whole


def competing(plan: Plan, last: int, earlier: Callable[[], int]) -> list[Depths]:
    """The last depth; beside it, with transfer=depth, an earlier one and all together.

    Args:
        plan: Its depths compete alone where it names them.
        last: T, the number of the last depth.
        earlier: Tells the earlier depth that competes; asked where there is a choice.

    Raises:
        PlanError: The plan names a depth that the body does not have.
    """
    named = plan.head.depths if plan.head else None
    if named:
        if max(named) > last:
            raise PlanError(
                f"head.depths = {list(named)}: the depths of this body have numbers from 1 to {last}, that of its last "
                "features. Choose among them, or leave head.depths out to have them measured."
            )
        return [named]
    if plan.transfer != "depth" or last == 1:
        return [(last,)]
    return [(last,), (earlier() if last > 2 else 1,), tuple(range(1, last + 1))]


@dataclass(frozen=True, eq=False)
class Judged:
    """All penalties at some depths, judged.

    Attributes:
        depths: Numbers of depths, from 1; T is the last.
        ranking: The penalties with their held-out logits.
        values: Of the selection metric, one a penalty.
        best: The place of the best.
    """

    depths: Depths
    ranking: Ranking
    values: tuple[float, ...]
    best: int

    @property
    def penalty(self) -> float:
        """The best one."""
        return self.ranking.penalties[self.best]

    @property
    def logits(self) -> NDArray[np.float32]:
        """Held-out logits at the best penalty, [n, C]."""
        return self.ranking.logits[self.best]


@dataclass(frozen=True, eq=False)
class HeadContest:
    """Pictures, what a body says of them, and the choices of a plan.

    Attributes:
        plan: With a minimizer and head choices.
        seen: What the body says of N pictures.
        labels: [N].
        classes: Names of the classes.
    """

    plan: Plan
    seen: Seen
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def judged(self, pairs: Pairs) -> tuple[list[Judged], int]:
        """Every competing candidate, and the place of the best; no view of a held picture is fitted to.

        Args:
            pairs: (fit, held) as places of pictures; the held ones of all pairs are judged together, as they are.

        Raises:
            PlanError: The plan names a depth that the body does not have.
            TrainingError: A feature is not finite.
        """
        check_finite(self.seen.features)
        fits = [(self._all_views(fit), held) for fit, held in pairs]
        labels = self.labels[np.sort(np.concatenate([held for _, held in pairs]))]
        candidates = competing(self.plan, len(self.seen.columns), lambda: self._earlier(pairs))
        found = [self._judged(depths, fits, labels, keep=len(candidates) == 1) for depths in candidates]
        return found, select([one.values[one.best] for one in found], self.plan.select)

    def fit(self, chosen: Judged, pictures: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weights [C, D₁ + … + D_T], with zeros at other depths, and biases [C] of a chosen head.

        Args:
            chosen: Depths and penalty, one of those that were judged here.
            pictures: To which pictures it is fitted, bool [N]; to all views of each.
        """
        weights = np.tile(pictures * self._importance, self._views)[None]
        turned = chosen.ranking.turned or Turned.of(self.seen.scaled(chosen.depths))
        y, penalty = np.tile(self.labels, self._views), np.array([chosen.penalty])
        start = chosen.ranking.means[chosen.best]
        heads = turned.fitted(y, len(self.classes), penalty, weights, self._minimizer, start=start)
        return self.seen.unscaled(chosen.depths, heads.weight[0]), heads.bias[0]

    def _judged(self, depths: Depths, fits: Pairs, held_labels: NDArray[np.int64], keep: bool) -> Judged:
        """All penalties at some depths; the features are kept on request, since those of all depths would be many."""
        x, y = self.seen.scaled(depths), np.tile(self.labels, self._views)
        importance = np.tile(self._importance, self._views)
        every = self.plan.select != "nll"  # other measures need not fall with the likelihood
        found = rank_penalties(x, y, len(self.classes), self._head.l2, fits, self._minimizer, importance, every)
        scores = [score(probabilities(z), held_labels, self.classes) for z in found.logits]
        values = tuple(float(getattr(one, self.plan.select)) for one in scores)
        ranking = found if keep else replace(found, turned=None)
        return Judged(depths, ranking, values, select(values, self.plan.select))

    def _earlier(self, pairs: Pairs) -> int:
        """The earlier depth at which ridge heads are right about most of the held pictures, the best penalty."""
        return 1 + max(range(len(self.seen.columns) - 1), key=lambda place: (self._right_at(place, pairs), place))

    def _right_at(self, place: int, pairs: Pairs) -> int:
        """How many held pictures ridge heads on the features of one depth are right about."""
        x = self.seen.features[0, :, self.seen.columns[place]]
        penalties = penalties_for(x)[::RIDGE_STEP]
        right = np.zeros(len(penalties), np.int64)
        for fit, held in pairs:
            ridge = fit_ridge(x[fit], self.labels[fit], len(self.classes), penalties)
            scores = x[held] @ ridge.weight.transpose(0, 2, 1) + ridge.bias[:, None]
            right += (scores.argmax(2) == self.labels[held]).sum(1)
        return int(right.max())

    @property
    def _views(self) -> int:
        return len(self.seen.features)

    def _all_views(self, pictures: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of all views of some pictures."""
        return np.concatenate([pictures + view * len(self.labels) for view in range(self._views)])

    @cached_property
    def _importance(self) -> NDArray[np.float64]:
        """What each picture counts in the fits; all alike unless classes are to be balanced."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        balance = next((part for part in self.plan.techniques if isinstance(part, ClassBalance)), None)
        return balance.weights(counts)[self.labels] if balance else np.ones(len(self.labels))

    @property
    def _head(self) -> HeadChoices:
        if self.plan.head is None:
            raise PlanError("A head on a frozen body needs head penalties.")
        return self.plan.head

    @property
    def _minimizer(self) -> Minimizer:
        if not isinstance(self.plan.optimizer, Minimizer):
            raise PlanError("A head on a frozen body needs a minimizer, such as optimizer=lbfgs.")
        return self.plan.optimizer
