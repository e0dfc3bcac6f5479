"""What the body of a plan says of all views of some pictures."""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.base.errors import PlanError
from ravine.data.audit import Audit
from ravine.data.pack import Packed
from ravine.data.workers import Advance
from ravine.device.machine import threads
from ravine.models.backbone import Backbone
from ravine.models.taps import Taps
from ravine.plan.plan import Plan
from ravine.train.evaluate import first_share
from ravine.transfer.depths import Seen
from ravine.transfer.engine import Engine
from ravine.transfer.features import stored_features
from ravine.transfer.programs import eager
from ravine.transfer.store import feature_store
from ravine.transfer.taps import tap, tapped
from ravine.transfer.views import View, views_of


def body_of(plan: Plan) -> nn.Module:
    """The pretrained body of a plan, in evaluation mode, where the plan computes.

    Raises:
        PlanError: The plan has none, or its weights cannot be had.
    """
    if not isinstance(plan.model, Backbone):
        raise PlanError(f"transfer={plan.transfer} needs a pretrained body. Choose model=timm:NAME.")
    return plan.model.load_pretrained().to(plan.device).to(memory_format=torch.channels_last)


@dataclass(frozen=True, eq=False)
class BodyFeatures:
    """The body of a plan and the pictures that it sees.

    Attributes:
        plan: The choices.
        audit: The pictures.
        pack: Gives the pictures at the size of the body, which augmented views are made of.
    """

    plan: Plan
    audit: Audit
    pack: Packed

    @cached_property
    def network(self) -> nn.Module:
        """The body, tapped where it can be.

        Raises:
            PlanError: It has to be tapped, since the head reads earlier depths, and cannot be.
        """
        plan, body = self.plan, body_of(self.plan)
        return tap(body, plan.picture.size) if plan.transfer == "depth" else tapped(body, plan.picture.size)[0]

    @property
    def answering(self) -> nn.Module:
        """What gives the features that a head reads: all depths, or the body itself where it reads the last alone."""
        network = self.network
        return network.body if isinstance(network, Taps) and self.plan.transfer != "depth" else network

    def seen(self, rows: NDArray[np.int64], advance: Advance | None = None) -> Seen:
        """The features that compete, of all views of some pictures; from the store where it has them.

        Args:
            rows: Numbers of pictures, each once.
            advance: Called with the number of pictures done, of each view.
        """
        views = [self._stored(rows, view, advance) for view in (None, *self._views)]
        return self._read(np.stack(views))

    def plain(self, rows: NDArray[np.int64], advance: Advance | None = None) -> NDArray[np.float32]:
        """The features that `answering` gives of some pictures as they are, [n, D]; see `seen` for the arguments."""
        return self._read(self._stored(rows, None, advance)[None]).features[0]

    def _read(self, whole: NDArray[np.float32]) -> Seen:
        """What a head reads of everything that was computed, [V, n, …]."""
        network = self.network
        if isinstance(network, Taps) and self.plan.transfer == "depth":
            return Seen(whole, network.columns, network.names)
        last = network.columns[-1] if isinstance(network, Taps) else slice(None)
        return Seen(whole[..., last], (slice(0, whole[..., last].shape[-1]),), ("last",))

    @property
    def widths(self) -> tuple[int, ...]:
        """How many features each depth has."""
        network = self.network
        widths = network.widths if isinstance(network, Taps) else (int(getattr(network, "num_features", 1)),)
        return widths if self.plan.transfer == "depth" else widths[-1:]

    def seconds(self, rows: NDArray[np.int64]) -> float:
        """About how long `seen` takes: the time of a few pictures for each that is not stored."""
        missing = 0
        for view in (None, *self._views):
            said = view.identity() if view else None
            store = feature_store(self._name, self.network, self.plan.picture, self.audit, said)
            missing += len(store.missing(rows))
        return missing * self._seconds_of_one if missing else 0.0

    @cached_property
    def _seconds_of_one(self) -> float:
        """Of a few pictures the second time, since the first call of a network prepares it."""
        answer, seconds = eager(self.network), 0.0
        cores = torch.get_num_threads() if self.plan.device == "cpu" else 1
        with threads(1):
            for _ in range(2):
                began = time.perf_counter()
                chunk = first_share(self.audit.pixels, np.arange(len(self.audit)), self.plan.picture, self.plan.device)
                answer(chunk).sum().item()
                seconds = (time.perf_counter() - began) / len(chunk) / cores
        return seconds

    def _stored(self, rows: NDArray[np.int64], view: View | None, advance: Advance | None) -> NDArray[np.float32]:
        """By the program that was once worth making, if one was."""
        engine = self._engines[0] if self._engines else None
        found = stored_features(self._name, self.network, self.audit, rows, self.plan.picture, advance, view, engine)
        if found.engine and found.engine.name != "eager" and not engine:
            self._engines.append(found.engine)
        return found.values

    @cached_property
    def _engines(self) -> list[Engine]:
        """The program that was made to compute features, once there is one."""
        return []

    @property
    def views(self) -> int:
        """V."""
        return 1 + len(self._views)

    @cached_property
    def _views(self) -> tuple[View, ...]:
        return views_of(self.plan, self.pack)

    @property
    def _name(self) -> str:
        return self.plan.model.timm if isinstance(self.plan.model, Backbone) else ""
