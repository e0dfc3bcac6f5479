"""What a line-search method knows of the curvature, and the directions that it draws from it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Move:
    """Where k members stand, and how they came there.

    Attributes:
        rows: Which members, int64 [k].
        theta: Their points, [k, P].
        gradient: Their gradients, [k, P].
        step: theta minus the point before, s [k, P]; meaningless where not accepted.
        change: The gradient minus the gradient before, y [k, P]; meaningless where not accepted.
        accepted: The members that have just accepted a step, [k].
        needed: The members that need a new direction, [k].
    """

    rows: Tensor
    theta: Tensor
    gradient: Tensor
    step: Tensor
    change: Tensor
    accepted: Flags
    needed: Flags


class Curvature(ABC):
    """A model of the curvature of k members; it lives for one run and may change.

    Attributes:
        products: Hessian–vector products spent in the last call of `directions`, [k]; None where a method has none.
    """

    products: Counts | None = None

    @abstractmethod
    def directions(self, move: Move) -> Tensor:
        """The direction of each member, [k, P]; rows that are not needed may hold anything finite."""

    @abstractmethod
    def forget(self, which: Flags) -> None:
        """Start these members over, as if they had made no step."""

    @abstractmethod
    def keep(self, kept: Counts) -> None:
        """Keep only the members at these positions; the others have ended. Few change their place."""

    @abstractmethod
    def unscaled(self) -> Flags:
        """The members whose direction has no length of its own: plain steepest descent, [k]."""
