"""What a full-batch minimizer is asked, and what it answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ravine.interfaces import Part
from ravine.optim.second_order.rows import largest

Closure = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(theta [k, P], rows int64 [k]) → (loss [k], gradient [k, P]): the exact value and gradient of the members `rows`."""


@dataclass(frozen=True)
class Iterates:
    """Points that a minimizer has accepted, as a callback sees them.

    Attributes:
        rows: Which members, int64 [k].
        theta: Their points, [k, P].
        loss: Their losses, [k].
        gradient: Their gradients, [k, P].
    """

    rows: Tensor
    theta: Tensor
    loss: Tensor
    gradient: Tensor


@dataclass(frozen=True)
class Minima:
    """Where a minimizer ended, for K members.

    Attributes:
        theta: The last accepted points, [K, P].
        loss: Their losses, [K].
        gradient: Their gradients, [K, P].
        steps: Accepted steps, int64 [K].
        evaluations: Values with their gradients that the closure was asked for, int64 [K].
        products: Products of a Hessian with a vector, int64 [K]; a whole Hessian counts as P.
        converged: Whether the greatest entry of the gradient is at most gtol, bool [K].
        reasons: Why each member ended, in words.
    """

    theta: Tensor
    loss: Tensor
    gradient: Tensor
    steps: Tensor
    evaluations: Tensor
    products: Tensor
    converged: Tensor
    reasons: tuple[str, ...]

    @property
    def gradient_norm(self) -> Tensor:
        """The greatest absolute entry of each gradient, [K]."""
        return largest(self.gradient)


class Minimizer(Part, ABC):
    """A method for exact, full-batch gradients: it may ask for as many evaluations a step as it needs."""

    @abstractmethod
    def run(
        self,
        closure: Closure,
        theta: Tensor,
        *,
        max_steps: int = 1_000,
        max_evaluations: int = 2_000,
        gtol: float | Tensor = 1e-6,
        callback: Callable[[Iterates], None] | None = None,
    ) -> Minima:
        """Minimize each member's loss from where it stands.

        Args:
            closure: Value and gradient of the members asked for; see `Closure`. It is asked only for members that have
                not ended, and its rows must not depend on one another.
            theta: The starting points [K, P], float32 or float64; not changed.
            max_steps: Most accepted steps of a member, at least 0.
            max_evaluations: Most evaluations of a member, at least 1; never exceeded.
            gtol: A member has converged when no entry of its gradient exceeds this; one value, or one a member [K].
            callback: Called with the starting points, and after every round with the points accepted in it.

        Returns:
            The last accepted point of each member.

        Raises:
            PlanError: A limit is out of range, or theta is no matrix of floating-point numbers.
        """
