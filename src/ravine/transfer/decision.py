"""What a race of ways to transfer found, and which way it chose."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ravine.transfer.measure import Measurement

Outcome = Literal["chosen", "no clear gain", "less likely", "worse", "dropped", "skipped", "refused", "failed"]
"""Of a contestant: taken; it did not beat the least unfrozen; it did, but with a higher negative log-likelihood than
the one taken; beaten by another, in the sense of `contest`; out of the race after a look, since it could not win any
more; not raced, for want of time; not raced, since a setting does not allow it; or its training
failed."""

MARGIN = 0.003
"""What more training must gain in accuracy to be worth it: one picture of 257 is 0.39 points, and less is noise."""


@dataclass(frozen=True)
class Contestant:
    """One way to transfer, and what it was worth on pictures that it was not fitted to.

    Attributes:
        name: head, depth, last1, last2, all or scratch.
        outcome: What became of it.
        note: Why, in a sentence; such as what it would have taken, or what went wrong.
        pictures: How many it was judged on; 0 where it was not raced.
        accuracy: On these; not a number where there are none.
        nll: The same, negative log-likelihood.
        gain: Its accuracy minus that of the least unfrozen contestant on the same pictures; None for that one itself.
        low: The lower end of the interval of the gain.
        high: The upper end.
        seconds: What racing it took.
    """

    name: str
    outcome: Outcome
    note: str = ""
    pictures: int = 0
    accuracy: float = float("nan")
    nll: float = float("nan")
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Decision:
    """A measured decision.

    Attributes:
        contestants: All that were thought of, from the least unfrozen to scratch.
        measurement: The table's two axes, measured; None where the body cannot be tapped.
        confidence: Of the intervals, such as 0.95.
        seconds: What the measurement and the race took together.
        textbook: The contestant that the textbook's table names for the measured cell.
        by_number_alone: The contestant that it names for the number of pictures and a similar set.
    """

    contestants: tuple[Contestant, ...]
    measurement: Measurement | None
    confidence: float
    seconds: float
    textbook: str | None = None
    by_number_alone: str | None = None

    @property
    def chosen(self) -> Contestant:
        """The one that was taken."""
        return next(one for one in self.contestants if one.outcome == "chosen")

    @property
    def skipped(self) -> tuple[str, ...]:
        """Those that were not raced for want of time."""
        return tuple(one.name for one in self.contestants if one.outcome == "skipped")

    def summary(self) -> dict[str, Any]:
        """Plain facts for JSON; None for what is no number."""
        found = self.measurement
        return {
            "chosen": self.chosen.name,
            "cell": list(found.cell) if found else None,
            "measured": list(found.sentences) if found else [],
            "textbook": self.textbook,
            "by_number_alone": self.by_number_alone,
            "confidence": self.confidence,
            "margin": MARGIN,
            "seconds": self.seconds,
            "contestants": [_finite(asdict(one)) for one in self.contestants],
        }


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(one, float) and not math.isfinite(one) else one for name, one in values.items()}
