"""Head first, then unfreeze: a fitted head, and then stages of the body below it, at rates that fall with depth.

Source: A. Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution", ICLR 2022,
arXiv 2202.10054 (the head first); J. Howard and S. Ruder, "Universal language model fine-tuning for text
classification", ACL 2018, arXiv 1801.06146, section 3.2 (rates that fall with depth).
"""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.data.audit import Audit
from ravine.data.batches import batches_of
from ravine.data.pack import Packed
from ravine.data.split import Split, fitting_folds
from ravine.experiment.fitted import COMPARED, Fitted
from ravine.experiment.stages import Stages
from ravine.plan.members import single
from ravine.plan.plan import Plan
from ravine.train.evaluate import logits, packed
from ravine.transfer.cost import contest_seconds
from ravine.transfer.depths import HeadContest, Seen
from ravine.transfer.material import Material
from ravine.transfer.tuned import Tuned, whole
from ravine.transfer.tuning import Begin, Tuning

PARTS = 5
"""Where no pictures are for validation, one part of so many is held out while the training is judged."""

NOBODY = np.empty(0, np.int64)


@dataclass(frozen=True)
class Unfrozen:
    """Everything that training stages of a pretrained body needs.

    Attributes:
        plan: The choices.
        audit: The pictures.
        pack: Gives the pictures at the size of the body, which are read where no stage is frozen.
        split: Which are for what.
    """

    plan: Plan
    audit: Audit
    pack: Packed
    split: Split

    def fit(self, stages: Stages) -> Fitted:
        """Fit a head, train the stages, choose, calibrate, and train again where the plan says so.

        Without validation pictures, a fifth of the pictures is held out to judge by.

        Raises:
            PlanError: The plan is for another way of training, or the body cannot be divided as it says.
            TrainingError: No member has a finite loss.
        """
        fitted = self.training(stages).fit(stages)
        read = None if self.plan.reads_pack else self._read(fitted.network)
        network = whole(fitted.network, self._material.body)
        return replace(fitted, network=network.requires_grad_(False).eval(), read=read)

    def training(self, stages: Stages) -> Tuning:
        """The training, once everything that it needs is computed.

        Args:
            stages: Where progress is shown and time is kept.
        """
        with stages.stage("features", "features", len(self.rows)) as advance:
            self._material.stored(advance)
        return self._tuning(self.plan, *self.parts)

    @cached_property
    def parts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The numbers of the pictures that the first training sees, and of those that judge it."""
        if len(self.split.validation):
            return self.split.train, self.split.validation
        return fitting_folds(self.split.train, self.audit, PARTS, self.plan.seed)[0]

    def answers(self, fit_rows: NDArray[np.int64], held_rows: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
        """What a network that is trained on some pictures alone says of others.

        One member of the plan is trained to its last epoch, without an ensemble. What the frozen stages say is
        computed once for all pictures that are not for testing, and kept.

        Args:
            fit_rows: Numbers of pictures, none of them for testing.
            held_rows: The same; nothing is fitted to them or chosen by them.
            seed: Fixes the folds by which the penalty of the head is chosen, the order of the pictures, and all other
                chance.

        Returns:
            Logits [len(held_rows), C], in the order of `held_rows`.
        """
        tuning = self._tuning(single(self.plan, seed), np.sort(fit_rows), NOBODY)
        trained = tuning.train(tuning.split.train, [0], "race", Stages())
        network = tuning.alone(trained, tuning.split.train)
        held = np.searchsorted(self._material.stored().numbers, held_rows)
        return logits(network, packed(tuning.tensors()[0], held, tuning.reading))

    def expected_seconds(self, pictures: int) -> float:
        """About how long one call of `answers` takes, maps or features of all pictures included unless they are there.

        Args:
            pictures: How many are trained on.
        """
        epochs = (self.plan.epochs or 1) * self.epoch_seconds(pictures)
        return self._material.seconds() + self.head_seconds(pictures) + epochs

    def head_seconds(self, pictures: int) -> float:
        """About how long the head takes that comes first, on so many pictures."""
        choices = self._material.head_plan.head
        penalties = len(choices.l2) * choices.folds if choices else 1
        width = int(getattr(self._material.body, "num_features", 1))
        return contest_seconds(pictures, [width], len(self.audit.classes), penalties)

    def epoch_seconds(self, pictures: int) -> float:
        """About how long one epoch of one member takes, on so many pictures."""
        return self._step_seconds * batches_of(pictures, self.plan.batch_size or 1)

    def _read(self, network: nn.Module) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Some pictures, and what a network says of what was stored of them."""
        stored = self._material.stored()
        some = np.arange(min(COMPARED, len(stored.numbers)))
        images = torch.as_tensor(stored.pack.images[some])
        return stored.numbers[some], logits(network, packed(images, some, stored.read))

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The numbers of all pictures that are not for testing, ascending."""
        return np.sort(np.concatenate([self.split.train, self.split.validation]))

    @cached_property
    def _material(self) -> Material:
        return Material(self.plan, self.audit, self.pack, self.rows)

    @cached_property
    def _step_seconds(self) -> float:
        """Seconds of a step: the second of two, on a few pictures, with a head of zeros."""
        plan, material = replace(single(self.plan, self.plan.seed), epochs=1), self._material
        size = min(plan.batch_size or 1, len(self.rows))
        pack, read = material.sample(size)
        with torch.inference_mode():
            width = material.divided.suffix(next(packed(torch.as_tensor(pack.images), np.arange(1), read))).shape[1]
        classes = len(self.audit.classes)
        zeros = np.zeros((classes, width), np.float32), np.zeros(classes, np.float32)
        network = Tuned(material.divided.suffix, *zeros)
        every = np.arange(size)
        split = Split(every, NOBODY, NOBODY, "", 0)
        rest: dict[str, Any] = {"depths": material.divided.depths, "read": read}
        loop = Tuning(plan, pack, split, self.audit.classes, begin=lambda _: network, **rest).prepare(
            every, [plan.seed], "time", [0]
        )
        loop.step(0)
        began = time.perf_counter()
        loop.step(0)
        return time.perf_counter() - began

    def _tuning(self, plan: Plan, fit: NDArray[np.int64], held: NDArray[np.int64]) -> Tuning:
        """The training of a plan on some pictures, judged by others."""
        stored = self._material.stored()
        fit, held = (np.searchsorted(stored.numbers, part) for part in (fit, held))
        split = Split(fit, held, NOBODY, self.split.origin, 0)
        return Tuning(
            plan,
            stored.pack,
            split,
            self.audit.classes,
            begin=self._begin(plan.seed),
            depths=self._material.divided.depths,
            read=stored.read,
        )

    def _begin(self, seed: int) -> Begin:
        """Fits heads, each once."""
        known: dict[bytes, nn.Module] = {}
        numbers = self._material.stored().numbers

        def begin(places: NDArray[np.int64]) -> nn.Module:
            key = places.tobytes()
            if key not in known:
                known[key] = Tuned(self._material.divided.suffix, *self._head(numbers[places], seed))
            return known[key]

        return begin

    def _head(self, rows: NDArray[np.int64], seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights and biases of the head that these pictures alone choose and fit."""
        features = self._material.stored().features[np.searchsorted(self.rows, rows)]
        plan, audit = self._material.head_plan, self.audit
        seen = Seen(features[None], (slice(0, features.shape[1]),), ("last",))
        contest = HeadContest(plan, seen, audit.labels[rows], audit.classes)
        given = fitting_folds(rows, self.audit, plan.head.folds if plan.head else 2, seed)
        pairs = [(np.searchsorted(rows, fit), np.searchsorted(rows, held)) for fit, held in given]
        judged, best = contest.judged(pairs)
        return contest.fit(judged[best], np.ones(len(rows), bool))
