"""A linear head on a frozen body: features once, depths and penalties by held-out pictures, one final fit."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.base.errors import PlanError
from ravine.data.audit import Audit
from ravine.data.pack import Packed
from ravine.data.split import Split, fitting_folds
from ravine.experiment.fitted import Candidate, Decided, Evidence, Fitted
from ravine.experiment.stages import Stages
from ravine.models.backbone import Backbone
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.plan import Plan
from ravine.transfer.body_features import BodyFeatures
from ravine.transfer.cost import contest_seconds
from ravine.transfer.depths import HeadContest, Judged, Pairs, Seen, competing


@dataclass(frozen=True)
class FrozenBody:
    """Everything that a head on a frozen body needs.

    Attributes:
        plan: The choices.
        audit: The pictures.
        pack: Gives the pictures at the size of the body, which augmented views are made of.
        split: Which are for what.
    """

    plan: Plan
    audit: Audit
    pack: Packed
    split: Split

    def fit(self, stages: Stages) -> Fitted:
        """Compute features, choose depth and penalty, calibrate, and fit the head to all pictures not for testing.

        Raises:
            PlanError: The plan is for another way of training, or the body cannot be tapped, as transfer=depth needs.
        """
        plan, rows = self.plan, self.rows
        if not isinstance(plan.model, Backbone) or not isinstance(plan.optimizer, Minimizer) or plan.head is None:
            raise PlanError("A head on a frozen body needs model=timm:NAME, a minimizer and head penalties.")
        with stages.stage("features", "features", len(rows) * self._features.views) as advance:
            contest = self._contest(self._features.seen(rows, advance), rows)
        with stages.stage("train", "head", 2) as advance:
            pairs, name = self._held_out()
            judged, best = contest.judged(pairs)
            advance(1)
            fitted_on = np.ones(len(rows), bool) if plan.refit else np.isin(rows, self.split.train)
            weight, bias = contest.fit(judged[best], fitted_on)
            advance(1)
        chosen = judged[best]
        unseen = Evidence(chosen.logits, contest.labels[np.sort(np.concatenate([held for _, held in pairs]))], name)
        return Fitted(
            network=_joined(self._features.answering, weight, bias).eval(),
            temperature=unseen.temperature(),
            unseen=unseen,
            candidates=_candidates(judged, chosen, contest.seen if plan.transfer == "depth" else None),
            penalties=tuple(zip(chosen.ranking.penalties, chosen.ranking.nll, strict=True)),
            refit=self._refitted(int(fitted_on.sum()), contest.seen.words(chosen.depths)) if plan.refit else "",
            decided=Decided(depths=chosen.depths if plan.transfer == "depth" else None),
            said=lambda rows, advance: self._features.plain(rows, advance) @ weight.T + bias,
        )

    def answers(self, fit_rows: NDArray[np.int64], held_rows: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
        """What a head that is fitted to some pictures alone says of others.

        Depth and penalty are chosen by folds within the pictures that it is fitted to. Features are computed once for
        all pictures that are not for testing, and kept.

        Args:
            fit_rows: Numbers of pictures, none of them for testing.
            held_rows: The same; they are seen as they are, and not fitted to.
            seed: Divides the pictures that are fitted to into folds.

        Returns:
            Logits [len(held_rows), C], in the order of `held_rows`.
        """
        fit, held = np.searchsorted(self.rows, np.sort(fit_rows)), np.searchsorted(self.rows, held_rows)
        inside = self._contest(self._seen.at(fit), self.rows[fit])
        judged, best = inside.judged(self._folds(self.rows[fit], seed))
        weight, bias = inside.fit(judged[best], np.ones(len(fit), bool))
        return self._seen.features[0, held] @ weight.T + bias

    def expected_seconds(self, pictures: int) -> float:
        """About how long one call of `answers` takes, features of all pictures included unless they are stored.

        Args:
            pictures: How many are fitted to.
        """
        head, classes = self.plan.head, len(self.audit.classes)
        if head is None:
            raise PlanError("A head on a frozen body needs head penalties.")
        each = self._features.widths
        likely = competing(self.plan, len(each), lambda: len(each) - 1)
        widths = [sum(each[depth - 1] for depth in depths) for depths in likely]
        heads = contest_seconds(pictures * self._features.views, widths, classes, len(head.l2) * head.folds)
        return heads + ("_seen" not in vars(self)) * self._features.seconds(self.rows)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The numbers of all pictures that are not for testing, ascending."""
        return np.sort(np.concatenate([self.split.train, self.split.validation]))

    @cached_property
    def _features(self) -> BodyFeatures:
        return BodyFeatures(self.plan, self.audit, self.pack)

    @cached_property
    def _seen(self) -> Seen:
        return self._features.seen(self.rows)

    def _contest(self, seen: Seen, rows: NDArray[np.int64]) -> HeadContest:
        return HeadContest(self.plan, seen, self.audit.labels[rows], self.audit.classes)

    def _held_out(self) -> tuple[Pairs, str]:
        """Pairs (fit, held) as places within the rows, and what the held pictures are called."""
        rows, validation = self.rows, self.split.validation
        if len(validation):
            pair = np.searchsorted(rows, self.split.train), np.searchsorted(rows, validation)
            return [pair], f"the {len(validation):,} validation pictures"
        pairs = self._folds(rows, self.plan.seed)
        return pairs, f"{len(rows):,} pictures, each held out once in one of {len(pairs)} folds"

    def _folds(self, rows: NDArray[np.int64], seed: int) -> Pairs:
        """Pairs (fit, held) as places within some rows, ascending."""
        given = fitting_folds(rows, self.audit, self.plan.head.folds if self.plan.head else 2, seed)
        return [(np.searchsorted(rows, fit), np.searchsorted(rows, held)) for fit, held in given]

    def _refitted(self, pictures: int, depths: str) -> str:
        chosen = f"depth ({depths}) and penalty" if self.plan.transfer == "depth" else "penalty"
        views = f", each in {self._features.views} views" if self._features.views > 1 else ""
        every = f"all {pictures:,} pictures that are not for testing"
        return f"With the chosen {chosen}, the head was fitted to {every}{views}."


def _candidates(judged: list[Judged], chosen: Judged, seen: Seen | None) -> tuple[Candidate, ...]:
    """All penalties at the chosen depth, and every other depth at its best; depths are named where `seen` is given."""
    found = []
    for one in sorted(judged, key=lambda one: one is not chosen):
        places = range(len(one.values)) if one is chosen else [one.best]
        depth = f"{seen.words(one.depths)}, " if seen else ""
        for place in places:
            name = f"{depth}l2 = {one.ranking.penalties[place]:g}"
            found.append(Candidate(name, one.values[place], one is chosen and place == one.best))
    return tuple(found)


def _joined(body: nn.Module, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Module:
    head = nn.Linear(weight.shape[1], weight.shape[0])
    head.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    network = nn.Sequential()
    network.add_module("body", body)
    network.add_module("head", head.to(next(body.parameters()).device))
    return network.requires_grad_(False)
