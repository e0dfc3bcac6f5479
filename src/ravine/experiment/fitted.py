"""What fitting leaves: a network, and the evidence on pictures that it had not seen when it was chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.ensemble.collector import Collector
from ravine.plan.plan import Plan
from ravine.plan.rungs import Rung, Way
from ravine.stats.calibration import fit_temperature, probabilities
from ravine.stats.scores import Scores, score
from ravine.train.graph import Choice
from ravine.train.record import Epoch
from ravine.train.state import Population

COMPARED = 64
"""Pictures, at most, that are read in two ways; more would cost time and say the same."""


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
    """Something that was considered.

    Attributes:
        name: Such as "member 1, seed 0".
        value: Its value of the selection metric.
        chosen: Whether it was taken.
        note: What else is to be said of it.
    """

    name: str
    value: float
    chosen: bool
    note: str = ""


@dataclass(frozen=True)
class Ended:
    """A member that a rung has ended: the number of its last epoch, and its value of the selection metric then."""

    epoch: int
    value: float

    def sentence(self) -> str:
        """In words."""
        return f"ended after epoch {self.epoch}"


@dataclass(frozen=True)
class Decided:
    """What was decided by measurement and belongs into the plan; None where nothing was.

    All but the depths are decided by a clock, and can change last bits alone.

    Attributes:
        compiled: Whether the update of the weights ran compiled.
        execution: How several members took their passes.
        graph: Whether passes ran eager or compiled.
        rungs: The rungs of the plan, with how those that went on took their passes.
        depths: The depths of a frozen body that its head reads.
    """

    compiled: bool | None = None
    execution: Way | None = None
    graph: Choice | None = None
    rungs: tuple[Rung, ...] | None = None
    depths: tuple[int, ...] | None = None

    @classmethod
    def of(cls, plan: Plan) -> "Decided":
        """What a plan says."""
        return cls(plan.compiled, plan.execution, plan.graph, plan.rungs, plan.head.depths if plan.head else None)

    def into(self, plan: Plan) -> Plan:
        """The plan that repeats it."""
        own = {**vars(self), "rungs": plan.rungs if self.rungs is None else self.rungs}
        depths = own.pop("depths")
        return replace(plan, head=replace(plan.head, depths=depths) if plan.head else None, **own)

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
        ended: Rows that a rung has ended.
    """

    population: Population
    alive: Tensor
    history: tuple[Epoch, ...]
    decided: Decided = field(default_factory=Decided)
    collector: Collector | None = None
    kept: Mapping[int, int] = field(default_factory=dict)
    course: tuple[str, ...] = ()
    ended: Mapping[int, Ended] = field(default_factory=dict)

    def note(self, row: int, own: Sequence[str]) -> str:
        """What tells a member from the others, such as its own hyperparameters, and whether a rung has ended it."""
        return "; ".join([*own, *([self.ended[row].sentence()] if row in self.ended else [])])


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
        ended: Members that a rung has ended.
        said: Gives the logits [n, C] of pictures by their numbers, sooner than the network does: by features that are
            kept, or by a faster program. None where the network has to be asked. The second argument is called with
            the number of pictures done.
        read: Some pictures by their numbers, and what the network said of them as training read them, where that is
            neither their features nor a pack.
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
    ended: Mapping[int, Ended] = field(default_factory=dict)
    said: Callable[[NDArray[np.int64], Callable[[int], object]], NDArray[np.float32]] | None = None
    read: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None


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


def ranking(values: Sequence[float], metric: str) -> list[int]:
    """The places of values of a metric from best to worst, the first of equals first; last, those that are no number.

    Example:
        >>> ranking([0.5, float("nan"), 0.4], "nll"), ranking([0.5, 0.4, 0.5], "accuracy")
        ([2, 0, 1], [0, 2, 1])
    """
    signed = np.asarray(values, np.float64) * (1 if metric == "nll" else -1)
    return np.argsort(signed, kind="stable").tolist()
