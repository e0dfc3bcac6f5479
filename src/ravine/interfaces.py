"""The kinds of part that training is put together from, and the values that they exchange.

K is the number of members, P the number of parameters of one. Every matrix is [K, P], every column [K, 1].
A part is a frozen dataclass; its fields are its hyperparameters (`Hyper`: one value, or one a member) and its
flags (booleans and words, which are the same for all members and become part of the formula).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ravine.base.layout import Layout
from ravine.base.ranges import check_ranges, hyperparameters


class Columns(dict[str, Tensor]):
    """Tensors by name, read as attributes, so that code reads as its formula."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Tensor:
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
        """Every hyperparameter as a float64 column [K, 1].

        Args:
            members: K. A hyperparameter with several values must have exactly K of them.
            device: Where the columns live.
        """
        return Columns({name: _column(getattr(self, name), members, device) for name in hyperparameters(type(self))})


def _column(value: Any, members: int, device: torch.device | str) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64, device=device).reshape(-1, 1).expand(members, 1).contiguous()


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


class Rule(Part, ABC):
    """An update formula: parameters, gradient and state in; step and state out."""

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """The state before the first step, for parameters p [K, P]."""
        del p, layout
        return {}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """Numbers of one step that depend on hyperparameters and time alone.

        Args:
            h: Every hyperparameter as a float64 column [K, 1]; ``h.lr`` is the scheduled learning rate.
            t: Steps taken including this one, float64 [K, 1]; 1 at the first step.

        Returns:
            Float64 columns [K, 1]. They are cast once to the dtype of the parameters.
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
            c: Columns [K, 1] in the dtype of p, from `coefficients`.
            layout: The shapes of the layers within a row.
        """


class Schedule(Part, ABC):
    """A factor on the learning rate, as a closed form of the step."""

    @abstractmethod
    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """The factor at step t.

        Args:
            h: Hyperparameters as float64 columns [K, 1].
            t: Steps taken before this one, float64 [K, 1]; 0 at the first step.
            total: Steps of the whole run, float64 [K, 1].

        Returns:
            Float64 [K, 1].
        """


class Penalty(Part, ABC):
    """A term on the weights, added to the loss or applied after the step."""

    def gradient(self, p: Tensor, h: Columns) -> Tensor | None:
        """What is added to the gradient, [K, P]; None where nothing is."""
        del p, h
        return None

    def proximal(self, p: Tensor, scale: Tensor, h: Columns) -> Tensor | None:
        """The parameters [K, P] after the proximal step at the given rates; None where there is none."""
        del p, scale, h
        return None

    @abstractmethod
    def value(self, p: Tensor, h: Columns) -> Tensor:
        """The term itself, [K]; for the report."""
