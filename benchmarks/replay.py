"""Races of ways to transfer from answers on record: what the rule decides, without a training."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import RavineError
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.device.machine import enough_memory, threads
from ravine.experiment.stages import Stages
from ravine.plan.alternatives import alternatives
from ravine.plan.toml import wishes
from ravine.stories.choosing import Preparation
from ravine.stories.fit import facts_of
from ravine.transfer.decide import TEXTBOOK, Race, decide
from ravine.transfer.decision import Contestant, Decision
from ravine.transfer.entrants import Entrant


@dataclass
class Clock:
    """Seconds that do not pass on their own."""

    now: float = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


@dataclass(frozen=True, eq=False)
class Recorded:
    """A way to transfer that is on record.

    Attributes:
        rows: Numbers of the pictures that are not for testing, ascending.
        logits: What it answered to each when that was not fitted to, [N, C].
        seconds: Of one training, the mean.
        clock: Goes on by these.
    """

    rows: NDArray[np.int64]
    logits: NDArray[np.float32]
    seconds: float
    clock: Clock

    def answers(self, fit_rows: NDArray[np.int64], held_rows: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
        """See `Way`."""
        del fit_rows, seed
        self.clock.now += self.seconds
        return self.logits[np.searchsorted(self.rows, held_rows)]

    def expected_seconds(self, pictures: int) -> float:
        """See `Way`."""
        del pictures
        return self.seconds


@dataclass(frozen=True, eq=False)
class Contest:
    """The ways to transfer on one data set.

    Attributes:
        source: The pictures.
        cache: Where packs and features are kept.
        settings: Of every way.
        seed: Of all chance.
    """

    source: Path
    cache: Path
    settings: Mapping[str, Any]
    seed: int = 0

    @cached_property
    def preparation(self) -> Preparation:
        """Pictures, packs and ways."""
        os.environ["RAVINE_CACHE"] = str(self.cache)
        audit = scan(read_source(self.source))
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

    def answered(self, way: str) -> dict[str, Any]:
        """What a way answers to each picture in turn, and the seconds of a training."""
        entrants, refused = self.preparation.entrants
        why = {one.name: one.note for one in refused}
        if way in why:
            return {"failed": why[way]}
        race = Race([one for one in entrants if one.name == way], self.preparation.course(), 0.0)
        try:
            with threads(self.preparation.plan.threads), enough_memory():
                seconds = [race.train(race.lanes[0], place) for place in range(len(race.folds))]
        except RavineError as wrong:
            return {"failed": str(wrong)}
        logits = race.lanes[0].answers.logits
        return {"seconds": float(np.mean(seconds)), "logits": base64.b64encode(logits.tobytes()).decode()}

    def decided(self, answers: Mapping[str, Mapping[str, Any]]) -> Decision:
        """What a race of these ways decides.

        Args:
            answers: See `answered`.
        """
        clock, rows = Clock(), self.preparation.rows
        classes = len(self.preparation.audit.classes)
        entrants = [
            Entrant(name, Recorded(rows, _logits(said["logits"], classes), said["seconds"], clock))
            for name, said in answers.items()
            if "logits" in said
        ]
        refused = [Contestant(name, "failed", said["failed"]) for name, said in answers.items() if "failed" in said]
        course = self.preparation.course()
        return decide(entrants, replace(course, clock=clock), refused=refused, order=list(answers))


def _logits(text: str, classes: int) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), np.float32).reshape(-1, classes)
