"""A linear head on the features of a frozen body: features once, penalties by held-out pictures, one final fit."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.base.errors import PlanError
from ravine.data.audit import Audit
from ravine.data.pack import Pack
from ravine.data.split import Split, folds
from ravine.experiment.fitted import Candidate, Evidence, Fitted, select
from ravine.experiment.stages import Stages
from ravine.models.backbone import Backbone
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.plan import Plan
from ravine.regularize.class_balance import ClassBalance
from ravine.transfer.features import Advance, stored_features
from ravine.transfer.heads import fit_heads, rank_penalties
from ravine.transfer.taps import tapped

Pairs = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True)
class FrozenBody:
    """Everything that a head on a frozen body needs.

    Attributes:
        plan: The choices.
        audit: The pictures.
        pack: The pictures at the size of the body.
        split: Which are for what.
    """

    plan: Plan
    audit: Audit
    pack: Pack
    split: Split

    def fit(self, stages: Stages) -> Fitted:
        """Compute features, choose the penalty, calibrate, and fit the head to all pictures but the test pictures.

        Raises:
            PlanError: The plan is for another way of training.
        """
        plan = self.plan
        if not isinstance(plan.model, Backbone) or not isinstance(plan.optimizer, Minimizer) or plan.head is None:
            raise PlanError("A head on a frozen body needs model=timm:NAME, a minimizer and head penalties.")
        body = plan.model.load_pretrained().to(plan.device).to(memory_format=torch.channels_last)
        rows = np.sort(np.concatenate([self.split.train, self.split.validation]))
        with stages.stage("features", "features", len(rows)) as advance:
            x = self._features(plan.model.timm, body, rows, advance)
        labels, classes = self.audit.labels[rows], self.audit.classes
        with stages.stage("train", "head", 2) as advance:
            pairs, name = self._held_out(rows, plan.head.folds)
            importance = self._importance(labels)
            ranking = rank_penalties(x, labels, len(classes), plan.head.l2, pairs, plan.optimizer, importance)
            advance(1)
            held = np.sort(np.concatenate([one for _, one in pairs]))
            judged = [Evidence(z, labels[held], name) for z in ranking.logits]
            values = [getattr(one.scores(classes), plan.select) for one in judged]
            best = select(values, plan.select)
            fitted_on = np.ones(len(rows), bool) if plan.refit else np.isin(rows, self.split.train)
            penalty = np.array([plan.head.l2[best]])
            heads = fit_heads(x, labels, len(classes), penalty, (fitted_on * importance)[None], plan.optimizer)
            advance(1)
        return Fitted(
            network=_joined(body, heads.weight[0], heads.bias[0]).eval(),
            temperature=judged[best].temperature(),
            unseen=judged[best],
            candidates=tuple(
                Candidate(f"l2 = {strength:g}", value, place == best)
                for place, (strength, value) in enumerate(zip(plan.head.l2, values, strict=True))
            ),
            penalties=tuple(zip(ranking.penalties, ranking.nll, strict=True)),
            refit=_sentence(int(fitted_on.sum())) if plan.refit else "",
        )

    def _features(self, name: str, body: nn.Module, rows: NDArray[np.int64], advance: Advance) -> NDArray[np.float32]:
        """The last features; those of earlier stages are stored beside them where the body can be tapped."""
        network, last = tapped(body, self.plan.picture.size)
        directory = self.pack.path.parent if self.pack.path else None
        found = stored_features(name, network, self.audit, rows, self.plan.picture, directory, advance)
        return np.ascontiguousarray(found.values[:, last])

    def _importance(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each picture counts in the fits; all alike unless classes are to be balanced."""
        counts = np.bincount(labels, minlength=len(self.audit.classes))
        balance = next((part for part in self.plan.techniques if isinstance(part, ClassBalance)), None)
        return balance.weights(counts)[labels] if balance else np.ones(len(labels))

    def _held_out(self, rows: NDArray[np.int64], count: int) -> tuple[Pairs, str]:
        """Pairs (fit, held) as places within `rows`, and what the held pictures are called."""
        if len(self.split.validation):
            given = [(self.split.train, self.split.validation)]
            name = f"the {len(self.split.validation):,} validation pictures"
        else:
            given = folds(rows, self.audit, count, self.plan.seed)
            name = f"{len(rows):,} pictures, each held out once in one of {count} folds"
        return [(np.searchsorted(rows, fit), np.searchsorted(rows, held)) for fit, held in given], name


def _joined(body: nn.Module, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Module:
    head = nn.Linear(weight.shape[1], weight.shape[0])
    head.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    network = nn.Sequential()
    network.add_module("body", body)
    network.add_module("head", head.to(next(body.parameters()).device))
    return network.requires_grad_(False)


def _sentence(pictures: int) -> str:
    return f"With the chosen penalty, the head was fitted to all {pictures:,} pictures that are not for testing."
