"""Curvature that the closure itself gives, taken afresh at each point."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.optim.second_order.curvature import Counts, Curvature, Flags, Move
from ravine.optim.second_order.minimizer import Closure


@runtime_checkable
class HasProduct(Protocol):
    """A closure that can multiply its Hessian with a vector."""

    def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        """The Hessian of each member `rows` at theta [k, P] times its vector [k, P]."""
        ...


def with_product(closure: Closure, method: str) -> HasProduct:
    """The closure, as one that has Hessian–vector products.

    Raises:
        PlanError: It has none.
    """
    if isinstance(closure, HasProduct):
        return closure
    raise PlanError(
        f"{method} needs Hessian–vector products: a closure with a method product(theta, rows, vectors). "
        "Choose lbfgs, which needs gradients alone."
    )


class ExactCurvature(Curvature):
    """Directions from the Hessian at the present point; after a failed search, one step of steepest descent."""

    def __init__(self, theta: Tensor) -> None:
        self.plain = np.zeros(len(theta), bool)

    def unscaled(self) -> Flags:
        """Members that are to take a step of steepest descent."""
        return self.plain

    def forget(self, which: Flags) -> None:
        """Let these members take a step of steepest descent."""
        self.plain = self.plain | which

    def keep(self, kept: Counts) -> None:
        """Keep these positions."""
        self.plain = self.plain[kept]

    def directions(self, move: Move) -> Tensor:
        """The direction of the members that need one; −g for those that take a plain step."""
        self.plain = self.plain & ~move.accepted
        self.products = np.zeros(len(self.plain), np.int64)
        direction = -move.gradient.clone()
        wanted = np.flatnonzero(move.needed & ~self.plain)
        if len(wanted):
            at = torch.from_numpy(wanted).to(direction.device)
            found, spent = self.solve(move.theta[at], move.rows[at], move.gradient[at])
            direction[at] = found
            self.products[wanted] = spent
        return direction

    @abstractmethod
    def solve(self, theta: Tensor, rows: Tensor, gradient: Tensor) -> tuple[Tensor, Counts]:
        """The directions [k, P] of some members, and the Hessian–vector products that each cost, [k]."""
