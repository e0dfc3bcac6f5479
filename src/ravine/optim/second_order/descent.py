"""The loop that all line-search methods share: direction, line search, next direction.

Members walk side by side without waiting for one another: in each round every member has one trial point evaluated;
whoever accepts it takes a new direction in the same round, and whoever has ended leaves the matrices.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.optim.second_order.curvature import Counts, Curvature, Flags, Move
from ravine.optim.second_order.ledger import Ledger
from ravine.optim.second_order.line_search import LineSearch, Verdict
from ravine.optim.second_order.minimizer import Closure, Iterates, Minima, Minimizer
from ravine.optim.second_order.rows import dots, index, largest, on_host, survivors, where_rows

Callback = Callable[[Iterates], None]


@dataclass(frozen=True)
class LineSearchMinimizer(Minimizer):
    """A minimizer that is told apart only by its model of the curvature and the two constants of its line search."""

    @property
    @abstractmethod
    def wolfe(self) -> tuple[float, float]:
        """The constants c₁ and c₂ of the strong Wolfe conditions."""

    @abstractmethod
    def curvature(self, closure: Closure, theta: Tensor) -> Curvature:
        """A fresh model of the curvature for members at theta [K, P]."""

    def run(
        self,
        closure: Closure,
        theta: Tensor,
        *,
        max_steps: int = 1_000,
        max_evaluations: int = 2_000,
        gtol: float | Tensor = 1e-6,
        callback: Callback | None = None,
    ) -> Minima:
        """Minimize each member's loss; see `Minimizer.run`."""
        _check(theta, max_steps, max_evaluations)
        theta = theta.detach().clone()
        rows = torch.arange(len(theta), device=theta.device)
        loss, gradient = (answer.detach() for answer in closure(theta, rows))
        ledger = Ledger.of(theta, loss, gradient, max_steps, max_evaluations, gtol)
        walk = _Walk(closure, self.curvature(closure, theta), rows, theta, loss, gradient, *self.wolfe)
        walk.report(callback, np.ones(len(rows), bool))
        walk.begin(ledger)
        while len(walk.rows):
            walk.round(ledger, callback)
        return ledger.minima()


def _check(theta: Tensor, max_steps: int, max_evaluations: int) -> None:
    if theta.ndim != 2 or not theta.is_floating_point():
        raise PlanError(
            f"theta has shape {tuple(theta.shape)} and dtype {theta.dtype}. "
            "Give a matrix [members, parameters] of float32 or float64."
        )
    if max_steps < 0 or max_evaluations < 1:
        raise PlanError(
            f"max_steps = {max_steps} and max_evaluations = {max_evaluations} allow no work. "
            "Choose max_steps of at least 0 and max_evaluations of at least 1."
        )


class _Walk:
    """The members that have not ended: their points, directions and searches."""

    def __init__(
        self,
        closure: Closure,
        curvature: Curvature,
        rows: Tensor,
        theta: Tensor,
        loss: Tensor,
        gradient: Tensor,
        c1: float,
        c2: float,
    ) -> None:
        self.closure, self.curvature = closure, curvature
        self.rows, self.theta, self.loss, self.gradient = rows, theta, loss, gradient
        self.direction = torch.zeros_like(theta)
        epsilon = torch.finfo(theta.dtype).eps
        self.search = LineSearch.of(len(rows), c1, c2, epsilon)
        self.length = np.ones(len(rows))
        self.least_cosine = 2 * epsilon**0.5
        self.value = on_host(loss)[0]

    def begin(self, ledger: Ledger) -> None:
        """Let those go that have converged already, and give the others their first direction."""
        self._leave(ledger.ended_at_start(self.value, on_host(largest(self.gradient))[0]), ledger)
        everyone, no_one = np.ones(len(self.rows), bool), np.zeros(len(self.rows), bool)
        if len(self.rows):
            self._redirect(self.gradient, self.gradient, no_one, everyone, ledger)

    def round(self, ledger: Ledger, callback: Callback | None) -> None:
        """One evaluation for every member, and what follows from it."""
        trial_step = self._column(self.search.trial)
        trial = torch.addcmul(self.theta, trial_step, self.direction)
        loss, gradient = (answer.detach() for answer in self.closure(trial, self.rows))
        value, slope, norm = on_host(loss, dots(gradient, self.direction), largest(gradient))
        verdict = self.search.advance(value, slope)
        accepted, failed = verdict == Verdict.ACCEPTED, verdict == Verdict.FAILED
        step, change = trial - self.theta, gradient - self.gradient
        self.theta = where_rows(accepted, trial, self.theta)
        self.gradient = where_rows(accepted, gradient, self.gradient)
        self.loss = torch.where(torch.from_numpy(accepted).to(loss.device), loss, self.loss)
        self.value = np.where(accepted, value, self.value)
        self.report(callback, accepted)
        hopeless = failed & self.curvature.unscaled()
        staying = ~ledger.ended(accepted, hopeless, norm)
        if not staying.all():
            order, kept = self._leave(~staying, ledger)
            accepted, failed, step, change = accepted[order], failed[order], step[kept], change[kept]
        if (accepted | failed).any():
            self.curvature.forget(failed)
            self._redirect(step, change, accepted, accepted | failed, ledger)

    def report(self, callback: Callback | None, which: Flags) -> None:
        """Show the callback the members that have just accepted a point."""
        if callback is not None and which.any():
            at = index(which, self.rows.device)
            callback(Iterates(self.rows[at], self.theta[at], self.loss[at], self.gradient[at]))

    def _redirect(self, step: Tensor, change: Tensor, accepted: Flags, needed: Flags, ledger: Ledger) -> None:
        """New directions, and new searches along them.

        A positive definite H of condition κ leaves at least the cosine 2√κ/(κ + 1) between Hg and g (Wielandt's
        inequality). A smaller cosine than 2√ε therefore shows κ > 1/ε: H is singular in this precision, and the member
        starts over with steepest descent.
        """
        move = Move(self.rows, self.theta, self.gradient, step, change, accepted, needed)
        direction = self.curvature.directions(move)
        ledger.spend(self.curvature.products)
        slope, along2, norm2, moved2 = on_host(
            *(dots(a, b) for a, b in [(direction, self.gradient), *((v, v) for v in (direction, self.gradient, step))])
        )
        self.length = np.where(accepted, np.sqrt(moved2), self.length)
        flat = needed & ~(slope < -self.least_cosine * np.sqrt(along2) * np.sqrt(norm2))
        if flat.any():
            self.curvature.forget(flat)
            direction = where_rows(flat, -self.gradient, direction)
            slope = np.where(flat, -norm2, slope)
        self.direction = where_rows(needed, direction, self.direction)
        first = np.where(self.curvature.unscaled(), self.length / np.sqrt(norm2), 1.0)
        self.search.start(needed, self.value, slope, first)

    def _leave(self, ended: Flags, ledger: Ledger) -> tuple[Counts, Tensor]:
        """Write down who has ended, and keep the rest; answers the positions kept, here and on the device."""
        order = survivors(ended)
        gone, kept = index(ended, self.rows.device), torch.from_numpy(order).to(self.rows.device)
        ledger.write(self.rows[gone], self.theta[gone], self.loss[gone], self.gradient[gone], order)
        for name in ("rows", "theta", "loss", "gradient", "direction"):
            setattr(self, name, getattr(self, name)[kept])
        self.length, self.value = self.length[order], self.value[order]
        self.search.keep(order)
        self.curvature.keep(order)
        return order, kept

    def _column(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.theta.device, self.theta.dtype)[:, None]
