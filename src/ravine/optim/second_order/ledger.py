"""The accounts of a run: who has spent what, who has ended, and why."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ravine.optim.second_order.minimizer import Minima
from ravine.optim.second_order.rows import on_host

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

CONVERGED = "no entry of the gradient exceeds gtol"
STEPS = "max_steps reached"
EVALUATIONS = "max_evaluations reached"
STUCK = "no step satisfies the strong Wolfe conditions in this precision"
NOT_FINITE = "the loss or its gradient is not finite at the start"


@dataclass
class Ledger:
    """Results of all K members, and the accounts of those still walking, whose numbers are `active`."""

    theta: Tensor
    loss: Tensor
    gradient: Tensor
    max_steps: int
    max_evaluations: int
    gtol: Floats
    active: Counts
    steps: Counts
    evaluations: Counts
    products: Counts
    reasons: list[str]

    @classmethod
    def of(
        cls, theta: Tensor, loss: Tensor, gradient: Tensor, max_steps: int, max_evaluations: int, gtol: float | Tensor
    ) -> "Ledger":
        """Open the accounts; the evaluation at the start counts."""
        members = len(theta)
        limits = on_host(torch.as_tensor(gtol, dtype=torch.float64).expand(members))[0]
        steps, evaluations, products = (np.full(members, count, np.int64) for count in (0, 1, 0))
        active = np.arange(members)
        return cls(
            theta.clone(), loss.clone(), gradient.clone(), max_steps, max_evaluations, limits,
            active, steps, evaluations, products, [""] * members,
        )  # fmt: skip

    def ended_at_start(self, value: Floats, norm: Floats) -> Flags:
        """Who has nothing to do, cannot begin, or may not."""
        unusable = ~(np.isfinite(value) & np.isfinite(norm))
        return self._close({NOT_FINITE: unusable} | self._usual(norm <= self.gtol))

    def ended(self, accepted: Flags, hopeless: Flags, norm: Floats) -> Flags:
        """Count one evaluation of every active member, and say who has ended."""
        self.evaluations[self.active] += 1
        self.steps[self.active] += accepted
        return self._close(self._usual(accepted & (norm <= self.gtol[self.active])) | {STUCK: hopeless})

    def _usual(self, converged: Flags) -> dict[str, Flags]:
        return {
            CONVERGED: converged,
            STEPS: self.steps[self.active] >= self.max_steps,
            EVALUATIONS: self.evaluations[self.active] >= self.max_evaluations,
        }

    def _close(self, causes: dict[str, Flags]) -> Flags:
        """Note the first cause that applies to each member."""
        ended = np.zeros(len(self.active), bool)
        for reason, which in causes.items():
            for member in self.active[which & ~ended]:
                self.reasons[member] = reason
            ended |= which
        return ended

    def spend(self, products: Counts | None) -> None:
        """Count Hessian–vector products of the active members."""
        if products is not None:
            self.products[self.active] += products

    def write(self, rows: Tensor, theta: Tensor, loss: Tensor, gradient: Tensor, kept: Counts) -> None:
        """Write down where members ended, and close their accounts."""
        self.theta[rows], self.loss[rows], self.gradient[rows] = theta, loss, gradient
        self.active = self.active[kept]

    def minima(self) -> Minima:
        """The results, once all have ended."""
        converged = [reason == CONVERGED for reason in self.reasons]
        steps, evaluations, products = (
            torch.from_numpy(count) for count in (self.steps, self.evaluations, self.products)
        )
        return Minima(
            self.theta,
            self.loss,
            self.gradient,
            steps,
            evaluations,
            products,
            torch.tensor(converged, dtype=torch.bool),
            tuple(self.reasons),
        )
