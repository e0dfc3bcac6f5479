"""What a training leaves to look at: one line an epoch and member."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ravine.base.errors import OutputError


@dataclass(frozen=True)
class Epoch:
    """One epoch of one member.

    Attributes:
        run: Which training it belongs to: "choose", or "refit".
        member: The member's place in the population.
        epoch: From 1.
        steps: Steps taken so far.
        learning_rate: Of the next step.
        train_loss: Mean over the epoch's pictures, as the batches were seen; penalties not included.
        validation_nll: Mean negative log-likelihood on the validation pictures; None without such pictures.
        validation_accuracy: Share of them that were right.
        seconds: Since the training began, evaluation included.
    """

    run: str
    member: int
    epoch: int
    steps: int
    learning_rate: float
    train_loss: float
    validation_nll: float | None
    validation_accuracy: float | None
    seconds: float


def write_jsonl(epochs: Iterable[Epoch], path: Path) -> None:
    """Write one JSON object a line; numbers that are not finite, which JSON does not have, become null.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.write_text("".join(_line(epoch) for epoch in epochs), encoding="utf-8")
    except OSError as failure:
        raise OutputError(f"The metrics cannot be written to {path}: {failure.strerror}.") from failure


def _line(epoch: Epoch) -> str:
    values = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(epoch).items()
    }
    return json.dumps(values, allow_nan=False) + "\n"
