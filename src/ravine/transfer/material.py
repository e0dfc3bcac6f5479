"""What stages of a body are trained on: pixels, or what the stages before them say of each picture."""

import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.base.errors import PlanError
from ravine.data.audit import Audit
from ravine.data.pack import Pack, Packed
from ravine.data.reading import Maps, Reading
from ravine.data.workers import Advance
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.members import of_members
from ravine.plan.plan import Plan
from ravine.regularize.class_balance import ClassBalance
from ravine.train.evaluate import logits, packed
from ravine.transfer.body_features import BodyFeatures, body_of
from ravine.transfer.divide import Divided, divide
from ravine.transfer.prefix import prefix_maps

FEW = 16
"""Pictures by which the time of all is told."""


@dataclass(frozen=True, eq=False)
class Stored:
    """What was stored of pictures, and the last features of each.

    Attributes:
        pack: Pixels, or maps, with the labels.
        numbers: The numbers of the pictures in its rows, ascending.
        read: How it becomes what a network reads.
        features: float32 [n, D], in the order of `Material.rows`.
    """

    pack: Pack
    numbers: NDArray[np.int64]
    read: Reading
    features: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Material:
    """A body that is divided as a plan says, and the pictures that its stages are trained on.

    Attributes:
        plan: The choices.
        audit: The pictures.
        pack: Gives the pictures at the size of the body, which are read where no stage is frozen.
        rows: The numbers of those that are not for testing, ascending.
    """

    plan: Plan
    audit: Audit
    pack: Packed
    rows: NDArray[np.int64]

    @cached_property
    def body(self) -> nn.Module:
        """The pretrained body, in evaluation mode."""
        return body_of(self.plan)

    @cached_property
    def divided(self) -> Divided:
        """Its two parts."""
        return divide(self.body, self.plan.transfer, self.plan.picture.size)

    @cached_property
    def head_plan(self) -> Plan:
        """The plan of the head that comes first."""
        return head_plan(self.plan)

    def stored(self, advance: Advance | None = None) -> Stored:
        """Pixels or maps, and features; computed once.

        Args:
            advance: Called with the number of pictures done.
        """
        if "_stored" not in vars(self):
            self.__dict__["_stored"] = self._of_maps(advance) if self.divided.prefix else self._of_pixels(advance)
        return vars(self)["_stored"]

    def seconds(self) -> float:
        """About how long `stored` takes: the time of a few pictures for each of all; 0 once it is there."""
        if "_stored" in vars(self):
            return 0.0
        if self.divided.prefix is None:
            return self._features.seconds(self.rows)
        few = self.rows[:FEW]
        began = time.perf_counter()
        self._maps(self.divided.prefix, few, None)
        return (time.perf_counter() - began) / len(few) * len(self.rows)

    def sample(self, count: int) -> tuple[Pack, Reading]:
        """A few pictures as they would be stored, for measurements."""
        rows = self.rows[:count]
        if self.divided.prefix is None:
            whole = self.pack()
            return replace(whole, images=whole.images[rows], labels=whole.labels[rows]), self.plan.picture
        return self._packed(self._maps(self.divided.prefix, rows, None), rows)

    @cached_property
    def _features(self) -> BodyFeatures:
        return BodyFeatures(self.head_plan, self.audit, self.pack)

    def _of_pixels(self, advance: Advance | None) -> Stored:
        features = self._features.seen(self.rows, advance).features[0]
        return Stored(self.pack(), np.arange(len(self.audit)), self.plan.picture, features)

    def _of_maps(self, advance: Advance | None) -> Stored:
        divided = self.divided
        if divided.prefix is None:
            raise PlanError("Nothing of this body is frozen. Choose transfer=last1 or last2.")
        pack, read = self._packed(self._maps(divided.prefix, self.rows, advance), self.rows)
        chunks = packed(torch.as_tensor(pack.images), np.arange(len(self.rows)), read)
        return Stored(pack, self.rows, read, logits(divided.suffix, chunks))

    def _maps(self, prefix: nn.Module, rows: NDArray[np.int64], advance: Advance | None) -> NDArray[np.float16]:
        return prefix_maps(prefix, self.audit, rows, self.plan.picture, advance)

    def _packed(self, maps: NDArray[np.float16], rows: NDArray[np.int64]) -> tuple[Pack, Reading]:
        height, width, channels = maps.shape[1:]
        return Pack(maps, self.audit.labels[rows], False, 0.0, None), Maps((channels, height, width))


def head_plan(plan: Plan) -> Plan:
    """The plan of a head on the last features, with the penalties, folds and balance of classes of a longer plan."""
    balance = (part for part in plan.techniques if isinstance(part, ClassBalance) and part.by == "weights")
    left_out = ("schedule", "penalty", "epochs", "batch_size", "tuning", "compiled", "execution", "graph", "ensemble")
    return replace(
        plan,
        transfer="head",
        optimizer=LBFGS(),
        techniques=tuple(of_members(part, [0]) for part in balance),
        members=1,
        same_order=False,
        rungs=(),
        precision="full",
        allow_minibatch=False,
        **dict.fromkeys(left_out),
    )
