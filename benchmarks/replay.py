"""Races of ways to transfer whose trainings are kept: what has been trained once is not trained again."""

import base64
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import RavineError
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.split import Split
from ravine.device.machine import enough_memory, threads
from ravine.experiment.stages import Stages
from ravine.plan.alternatives import WAYS, alternatives
from ravine.plan.toml import wishes
from ravine.stories.choosing import Preparation, divided
from ravine.stories.fit import facts_of
from ravine.transfer.decide import TEXTBOOK, decide
from ravine.transfer.decision import Decision
from ravine.transfer.entrants import Way

Keep = Callable[[str, int, Callable[[], Mapping[str, Any]]], Mapping[str, Any]]
"""Gives what is kept of a way and a round of its race, or else calls the function for it, and keeps that."""


@dataclass
class Clock:
    """Seconds that do not pass on their own."""

    now: float = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


@dataclass(eq=False)
class Kept:
    """A way to transfer whose answers are kept.

    Attributes:
        name: Such as last1.
        way: What is trained where nothing is kept.
        keep: See `Keep`.
        clock: Goes on by the seconds of each training, when it was run.
        rounds: How many trainings have been asked for.
    """

    name: str
    way: Way
    keep: Keep
    clock: Clock
    rounds: int = 0

    def answers(self, fit_rows: NDArray[np.int64], held_rows: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
        """See `Way`."""
        found = self.keep(self.name, self.rounds, partial(_trained, self.way, fit_rows, held_rows, seed))
        self.rounds += 1
        self.clock.now += found["seconds"]
        return np.frombuffer(base64.b64decode(found["logits"]), np.float32).reshape(len(held_rows), -1)

    def expected_seconds(self, pictures: int) -> float:
        """See `Way`."""
        return self.way.expected_seconds(pictures)


def _trained(way: Way, fit: NDArray[np.int64], held: NDArray[np.int64], seed: int) -> dict[str, Any]:
    began = time.perf_counter()
    logits = way.answers(fit, held, seed).astype(np.float32)
    return {"seconds": time.perf_counter() - began, "logits": base64.b64encode(logits.tobytes()).decode()}


@dataclass(frozen=True, eq=False)
class Contest:
    """The ways to transfer on one data set.

    Attributes:
        source: Gives the file of the pictures, when it is first asked for.
        cache: Where packs and features are kept.
        settings: Of every way.
        seed: Of all chance.
    """

    source: Callable[[], Path]
    cache: Path
    settings: Mapping[str, Any]
    seed: int = 0

    @cached_property
    def preparation(self) -> Preparation:
        """Pictures, packs and ways."""
        os.environ["RAVINE_CACHE"] = str(self.cache)
        audit = scan(read_source(self.source()))
        asked = wishes({**self.settings, "transfer": "auto", "seed": self.seed})
        return Preparation(audit, alternatives(facts_of(audit, "cpu"), asked), Stages())

    def measured(self) -> dict[str, Any]:
        """What the textbook's table names, and the seconds of all measurements."""
        try:
            with threads(self.preparation.plan.threads), enough_memory():
                found = self.preparation.measure()
        except RavineError as wrong:
            return {"failed": str(wrong)}
        by_number = TEXTBOOK[found.by_number_alone, "similar"]
        seconds = sum(found.seconds.values())
        return {"textbook": TEXTBOOK[found.cell], "by_number_alone": by_number, "seconds": seconds}

    def decided(self, keep: Keep) -> Decision:
        """What the race decides, without a limit of time; it trains what is not kept.

        Args:
            keep: See `Keep`.
        """
        clock, preparation = Clock(), self.preparation
        entrants, refused = preparation.entrants
        kept = [replace(one, way=Kept(one.name, one.way, keep, clock)) for one in entrants]
        with threads(preparation.plan.threads), enough_memory():
            return decide(kept, replace(preparation.course(), clock=clock), refused=refused, order=WAYS)

    def fitted(self, way: str) -> dict[str, Any]:
        """Which test pictures a way answers right after the training that a fit ends with, on all others.

        The trainings by which a fit chooses and calibrates are left out: one member has nothing to choose, and a
        temperature changes no answer. The test pictures stand where those to validate by do, so that what frozen stages
        say of them is stored too; nothing is fitted to them or chosen by them.

        Args:
            way: How to transfer.
        """
        preparation = self.preparation
        audit, options = preparation.audit, preparation.options
        if way in options.refused:
            return {"failed": options.refused[way]}
        began = time.perf_counter()
        try:
            plan = options.of(way).plan
            parts = divided(audit, plan)
            every = Split(preparation.rows, parts.test, np.empty(0, np.int64), parts.origin, parts.leaks)
            with threads(plan.threads), enough_memory():
                logits = preparation.way(plan, every).answers(every.train, parts.test, plan.seed)
        except RavineError as wrong:
            return {"failed": str(wrong)}
        right = logits.argmax(1) == audit.labels[parts.test]
        return {"accuracy": float(right.mean()), "seconds": time.perf_counter() - began, "right": pressed(right)}


def pressed(right: NDArray[np.bool_]) -> str:
    """Bits as hexadecimal digits, for a file of JSON lines.

    Example:
        >>> pressed(np.array([True, False, True])), unpressed("a0", 3).tolist()
        ('a0', [True, False, True])
    """
    return np.packbits(right).tobytes().hex()


def unpressed(text: str, count: int) -> NDArray[np.bool_]:
    """The bits [count] again."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8), count=count).astype(bool)
