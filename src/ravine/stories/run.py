"""Everything that one run found, made and measured."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ravine.bundle import Model
from ravine.data.audit import Audit
from ravine.data.split import Split
from ravine.ensemble.disagreement import Disagreement
from ravine.experiment.fitted import Evidence, Fitted
from ravine.plan.plan import Plan
from ravine.plan.presets import Reason
from ravine.stories.agreement import Shift
from ravine.stories.transfer_words import verdict
from ravine.transfer.decision import Decision


@dataclass(frozen=True, eq=False)
class Run:
    """A run before it is written.

    Attributes:
        source: As the user named it.
        audit: What was found.
        parts: Which pictures are for what.
        plan: The choices.
        reasons: Why they were made.
        fitted: What fitting left.
        model: The classifier.
        tested: Logits and labels of the test pictures.
        shift: What training read of pictures against their files.
        disagreement: How far the members of an ensemble differ on the test pictures; None for one network.
        decision: How much of the body to train, measured and raced; None where it was not asked.
    """

    source: str
    audit: Audit
    parts: Split
    plan: Plan
    reasons: tuple[Reason, ...]
    fitted: Fitted
    model: Model
    tested: Evidence
    shift: Shift
    disagreement: Disagreement | None = None
    decision: Decision | None = None

    def summary(self) -> dict[str, Any]:
        """What `result.json` says, the seconds apart."""
        unseen = self.fitted.unseen
        validation = unseen.scores(self.model.classes, self.model.temperature).summary() if unseen else None
        return {
            "test": self.model.scores,
            "validation": validation and {**validation, "pictures": unseen.name if unseen else ""},
            "model": "model.ravine",
            "seed": self.plan.seed,
            "selection_metric": self.plan.select,
            "classes": list(self.model.classes),
            "temperature": self.model.temperature,
            "agreement": asdict(self.shift),
            "data": self.audit.summary(),
            "ensemble": self.fitted.combined or None,
            "disagreement": self.disagreement and self._disagreement(self.disagreement),
            "transfer": self.decision and {**self.decision.summary(), "verdict": verdict(self.decision)},
            "candidates": [_finite(asdict(one)) for one in self.fitted.candidates],
            "failed_members": list(self.fitted.failed),
            "versions": self.model.versions,
        }

    def right(self) -> NDArray[np.bool_]:
        """Which test pictures got the right answer."""
        return self.tested.logits.argmax(axis=1) == self.tested.labels

    def _disagreement(self, found: Disagreement) -> dict[str, float | None]:
        right, nats = self.right(), found.mutual_information
        parts = {"right": nats[right], "wrong": nats[~right]}
        return {f"{name}_nats": float(part.mean()) if len(part) else None for name, part in parts.items()}


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """The same without numbers that JSON does not have."""
    return {name: None if isinstance(one, float) and not math.isfinite(one) else one for name, one in values.items()}
