"""What fitting leaves: a network, and the evidence on pictures that it had not seen when it was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.ensemble.collector import Collector
from ravine.stats.calibration import fit_temperature, probabilities
from ravine.stats.scores import Scores, score
from ravine.train.execution import Way
from ravine.train.graph import Choice
from ravine.train.record import Epoch
from ravine.train.state import Population


@dataclass(frozen=True)
class Evidence:
    """Logits [N, C] and labels [N] of pictures that a network was not fitted to, and what they are called."""

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    name: str

    def temperature(self) -> float:
        """The temperature that fits these pictures best."""
        return fit_temperature(self.logits, self.labels)

    def scores(self, classes: tuple[str, ...], temperature: float = 1.0) -> Scores:
        """The measures on these pictures."""
        return score(probabilities(self.logits, temperature), self.labels, classes)


@dataclass(frozen=True)
class Candidate:
    """Something that was considered: its name, its value of the selection metric, and whether it was taken."""

    name: str
    value: float
    chosen: bool


@dataclass(frozen=True)
class Decided:
    """What a clock decided, which can change last bits; it belongs into the plan. None where nothing was decided.

    Attributes:
        compiled: Whether the update of the weights ran compiled.
        execution: How several members took their passes.
        graph: Whether passes ran eager or compiled.
    """

    compiled: bool | None = None
    execution: Way | None = None
    graph: Choice | None = None

    def filled(self, other: "Decided") -> "Decided":
        """The same, with what the other decided where nothing was decided here."""
        own = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **own)


@dataclass(frozen=True, eq=False)
class Trained:
    """A population after training.

    Attributes:
        population: The members.
        alive: Bool [K]; false for members whose loss was not finite.
        history: One entry an epoch and member.
        decided: What was decided by measurement.
        collector: What an ensemble gathered; None for nothing.
        kept: Of rows that a technique watched, the number of the epoch whose weights were kept.
        course: How it was carried out and where its time went, in sentences.
    """

    population: Population
    alive: Tensor
    history: tuple[Epoch, ...]
    decided: Decided = field(default_factory=Decided)
    collector: Collector | None = None
    kept: Mapping[int, int] = field(default_factory=dict)
    course: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Fitted:
    """The outcome of fitting.

    Attributes:
        network: From float pictures to logits.
        temperature: What its logits are divided by; fitted on `unseen`, and inherited by a refit.
        unseen: The evidence of the chosen candidate, before a refit; None without validation pictures.
        candidates: What was considered.
        history: One entry an epoch and member.
        penalties: The strengths that competed for a head, with their negative log-likelihoods.
        refit: What was fitted again, in a sentence; empty if nothing was.
        failed: Members whose loss was not finite.
        decided: What was decided by measurement.
        course: How the training was carried out and where its time went, in sentences.
        members: Which members of the plan the networks inside belong to, from 0; one for each.
        combined: What an ensemble made, in a sentence; empty without one.
    """

    network: nn.Module
    temperature: float
    unseen: Evidence | None
    candidates: tuple[Candidate, ...]
    history: tuple[Epoch, ...] = ()
    penalties: tuple[tuple[float, float], ...] = ()
    refit: str = ""
    failed: tuple[int, ...] = ()
    decided: Decided = field(default_factory=Decided)
    course: tuple[str, ...] = ()
    members: tuple[int, ...] = (0,)
    combined: str = ""


def select(values: Sequence[float] | NDArray[np.float64], metric: str) -> int:
    """The place of the best value of a metric: the least nll, the greatest accuracy or macro_f1; the first of equals.

    Args:
        values: One a candidate; a candidate whose value is not a number is passed over.
        metric: nll, accuracy or macro_f1.

    Example:
        >>> select([0.5, 0.4, float("nan")], "nll"), select([0.5, 0.4], "accuracy")
        (1, 0)
    """
    return int(np.nanargmin(values) if metric == "nll" else np.nanargmax(values))
