"""The kinds of part that training is put together from, and the values that they exchange.

K is the number of members, P the number of parameters of one. Every matrix is [K, P], every column [K, 1].
A part is a frozen dataclass; its fields are its hyperparameters (`Hyper`: one value, or one a member), its
flags (booleans, whole numbers and words, which are the same for all members and become part of the formula),
and for combinations other parts.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.base.ranges import Hyper, check_ranges, hyperparameters


class Columns(dict[str, Any]):
    """Tensors by name, read as attributes, so that code reads as its formula.

    Example:
        >>> h = Columns(lr=torch.tensor([[0.5]]))
        >>> h.lr.item()
        0.5
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as missing:
            raise AttributeError(f"no column {name!r}; there are {', '.join(self)}") from missing


@dataclass(frozen=True)
class Part:
    """A piece of a plan: frozen, with ranges on its fields that are checked when it is made."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def columns(self, members: int, device: torch.device | str = "cpu") -> Columns:
        """Every hyperparameter as a float64 column [K, 1]; a part within this one gives columns of its own.

        Args:
            members: K. A hyperparameter with several values must have exactly K of them.
            device: Where the columns live.

        Raises:
            PlanError: A hyperparameter has several values, but not one a member.
        """
        columns = Columns()
        for name in hyperparameters(type(self)):
            columns[name] = _column(f"{type(self).__name__}.{name}", getattr(self, name), members, device)
        for name, inner in _inner(self).items():
            columns[name] = inner.columns(members, device)
        return columns


def _column(label: str, value: Hyper, members: int, device: torch.device | str) -> Tensor:
    if isinstance(value, tuple) and len(value) != members:
        raise PlanError(
            f"{label} has {len(value)} values for {members} members. Give one number, or {members} of them."
        )
    return torch.as_tensor(value, dtype=torch.float64, device=device).reshape(-1, 1).expand(members, 1).contiguous()


def _inner(part: Part) -> dict[str, Part]:
    fields = {entry.name: getattr(part, entry.name) for entry in dataclasses.fields(part)}
    return {name: value for name, value in fields.items() if isinstance(value, Part)}


AnyPart = TypeVar("AnyPart", bound=Part)


def merge(parts: Sequence[AnyPart]) -> AnyPart:
    """Make one part for a population out of its members' parts.

    Args:
        parts: One a member: of one type, equal in all flags.

    Returns:
        A part whose hyperparameters have one value a member where they differ, and one value where they do not.

    Raises:
        PlanError: Types or flags differ, so that the formulas differ; such members form another cohort.
    """
    first = parts[0]
    for part in parts:
        if type(part) is not type(first):
            raise PlanError(
                f"{type(first).__name__} and {type(part).__name__} are different formulas and cannot be one part. "
                "Put their members into different cohorts."
            )
    return dataclasses.replace(
        first, **{entry.name: _merged(parts, entry.name) for entry in dataclasses.fields(first) if entry.init}
    )


def _merged(parts: Sequence[Part], name: str) -> Any:
    values = [getattr(part, name) for part in parts]
    if isinstance(values[0], Part):
        return merge(values)
    if all(value == values[0] for value in values):
        return values[0]
    if name in hyperparameters(type(parts[0])):
        return tuple(values)
    raise PlanError(
        f"{type(parts[0]).__name__}.{name} is part of the formula and differs between members: {values}. "
        "Put members with different values into different cohorts."
    )


@dataclass
class Step:
    """What a rule answers: the change of the parameters, its next state, and the rate of each coordinate.

    Attributes:
        delta: [K, P], to be added to the parameters.
        state: The state after the step; tensors with a leading K.
        scale: [K, P] or [K, 1], the step length per unit of (transformed) gradient; a proximal penalty uses it.
    """

    delta: Tensor
    state: Mapping[str, Tensor]
    scale: Tensor


@dataclass(frozen=True)
class Rule(Part, ABC):
    """An update formula: parameters, gradient and state in; step and state out.

    Every rule has a hyperparameter `lr`, the learning rate where the schedule's factor is 1.
    """

    @property
    def elementwise(self) -> bool:
        """Whether an entry of the step depends on the same entry of parameters, gradient and state alone."""
        return True

    @property
    def needs_probe(self) -> bool:
        """Whether the gradient of `step` is to be taken at the point that `probe` gives."""
        return False

    @property
    def averages(self) -> bool:
        """Whether `evaluated` gives other weights than the ones that are trained."""
        return False

    def peak(self, h: Columns) -> Tensor:
        """The learning rate where the schedule's factor is 1, float64 [K, 1]."""
        return h.lr

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """The state before the first step, [K, P] each, for parameters p [K, P]."""
        del p, layout
        return {}

    def start(self, h: Columns) -> dict[str, Tensor]:
        """Running scalars before the first step, float64 [K, 1] each: what has no closed form in t."""
        del h
        return {}

    def advance(self, h: Columns, t: Tensor, s: Columns) -> dict[str, Tensor]:
        """The running scalars of step t from those of the step before; `coefficients` finds them in its `h`."""
        del h, t
        return dict(s)

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """Numbers of one step that depend on hyperparameters and time alone.

        Args:
            h: Every hyperparameter as a float64 column [K, 1]; `h.lr` is the scheduled learning rate, `h.peak` the
                one where the schedule's factor is 1.
            t: Steps taken including this one, float64 [K, 1]; 1 at the first step. Or [K, T], several steps at once,
                with `h.lr` likewise.

        Returns:
            Float64 columns of the shape of t, or [K, 1] where they do not depend on it. They are cast once to the
            dtype of the parameters.
        """
        del t
        return dict(h)

    @abstractmethod
    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """The formula.

        Args:
            p: Parameters [K, P]; not to be changed in place.
            g: Gradients [K, P]; not to be changed in place.
            s: State, as `init` or the step before left it.
            c: Columns [K, 1] in the dtype of p, from `coefficients`; and `c.penalized`, bool [1, P] or [1, 1]: true
                for weights, false for biases and norms, for rules that decay weights.
            layout: The shapes of the layers within a row.
        """

    def probe(self, p: Tensor, g: Tensor, c: Columns) -> Tensor:
        """The point [K, P] at which the gradient of `step` is to be taken, given the gradient g at p."""
        del g, c
        return p

    def evaluated(self, p: Tensor, s: Columns, h: Columns) -> Tensor:
        """The weights [K, P] to evaluate and to save, where they are not the ones that are trained."""
        del s, h
        return p


@dataclass(frozen=True)
class Schedule(Part, ABC):
    """A factor on the learning rate, as a closed form of the step."""

    @abstractmethod
    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """The factor at step t.

        Args:
            h: Hyperparameters as float64 columns [K, 1].
            t: Steps taken before this one, float64 [K, 1]; 0 at the first step. Or [K, T], several steps at once.
            total: Steps of the whole run, float64 [K, 1].

        Returns:
            Float64, of the shape of t.
        """


@dataclass(frozen=True)
class Penalty(Part, ABC):
    """A term on the weights, added to the loss or applied with the step.

    Attributes:
        biases_and_norms: Whether biases and norms are penalized like weights.
    """

    biases_and_norms: bool = field(default=False, kw_only=True)

    def coefficients(self, h: Columns) -> dict[str, Tensor]:
        """Columns of one step, float64 [K, 1]; `h` as in `Rule.coefficients`. They are cast once."""
        return dict(h)

    def gradient(self, p: Tensor, c: Columns) -> Tensor | None:
        """What is added to the gradient, [K, P]; None where nothing is."""
        del p, c
        return None

    def decay(self, p: Tensor, c: Columns) -> Tensor | None:
        """What is added to the parameters along with the rule's step, [K, P]; None where nothing is."""
        del p, c
        return None

    def proximal(self, p: Tensor, scale: Tensor, c: Columns) -> Tensor | None:
        """The parameters [K, P] after the proximal step at the given rates; None where there is none."""
        del p, scale, c
        return None

    @abstractmethod
    def value(self, p: Tensor, h: Columns) -> Tensor:
        """The term itself, [K]; for the report. Columns h in the dtype of p."""
