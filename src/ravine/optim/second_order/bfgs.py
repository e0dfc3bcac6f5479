"""BFGS: a dense inverse Hessian, built from changes of point and gradient.

    H⁺ = (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ,   ρ = 1 / yᵀs,   d = −H g
    H₀ = (sᵀy / yᵀy) I                                                       (before the first update)

Source: J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition (2006): algorithm 6.1, equations (6.17) for the
update and (6.20) for the first matrix.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ravine.optim.second_order.curvature import Counts, Curvature, Flags, Move
from ravine.optim.second_order.dense import check_room
from ravine.optim.second_order.descent import LineSearchMinimizer
from ravine.optim.second_order.minimizer import Closure
from ravine.optim.second_order.rows import dots


@dataclass(frozen=True)
class BFGS(LineSearchMinimizer):
    """BFGS with a line search that guarantees the strong Wolfe conditions; P² numbers a member.

    A pair is used when yᵀs > ε‖s‖‖y‖, with ε the rounding unit of theta's dtype, as in L-BFGS.

    Example:
        >>> def closure(theta, rows):
        ...     return (theta**2).sum(1), 2 * theta
        >>> BFGS().run(closure, torch.ones(2, 3)).converged
        tensor([True, True])
    """

    @property
    def wolfe(self) -> tuple[float, float]:
        """c₁ = 1e-4 and c₂ = 0.9, the book's choice for quasi-Newton methods."""
        return 1e-4, 0.9

    def curvature(self, closure: Closure, theta: Tensor) -> Curvature:
        """The identity, not yet scaled."""
        del closure
        check_room("BFGS", theta)
        return _Inverse(theta)


class _Inverse(Curvature):
    """The inverse Hessians H [k, P, P]."""

    def __init__(self, theta: Tensor) -> None:
        members, parameters = theta.shape
        self.epsilon = torch.finfo(theta.dtype).eps
        self.identity = torch.eye(parameters, dtype=theta.dtype, device=theta.device)
        self.h = self.identity.expand(members, -1, -1).clone()
        self.fresh = np.ones(members, bool)

    def unscaled(self) -> Flags:
        """Members without a pair."""
        return self.fresh

    def forget(self, which: Flags) -> None:
        """Back to the identity for these members."""
        self.h[torch.from_numpy(which).to(self.h.device)] = self.identity
        self.fresh = self.fresh | which

    def keep(self, kept: Counts) -> None:
        """Keep these positions."""
        self.h, self.fresh = self.h[torch.from_numpy(kept).to(self.h.device)], self.fresh[kept]

    def directions(self, move: Move) -> Tensor:
        """Take in the latest pair, and answer −H g."""
        s, y = move.step, move.change
        sy, ss, yy = dots(s, y), dots(s, s), dots(y, y)
        valid = torch.from_numpy(move.accepted).to(sy.device) & (sy > self.epsilon * ss.sqrt() * yy.sqrt())
        first = valid & torch.from_numpy(self.fresh).to(sy.device)
        start = torch.where(first, sy / yy, 1.0)[:, None, None] * self.h
        updated = _update(start, s, y, torch.where(valid, 1 / sy, 0.0))
        self.h = torch.where(valid[:, None, None], updated, self.h)
        self.fresh = self.fresh & ~valid.cpu().numpy()
        return -torch.bmm(self.h, move.gradient[:, :, None]).squeeze(2)


def _update(h: Tensor, s: Tensor, y: Tensor, rho: Tensor) -> Tensor:
    """Equation (6.17), multiplied out: H − ρ (s (Hy)ᵀ + (Hy) sᵀ) + ρ (1 + ρ yᵀHy) s sᵀ."""
    hy = torch.bmm(h, y[:, :, None]).squeeze(2)
    cross = s[:, :, None] * hy[:, None, :]
    weight = rho * (1 + rho * dots(y, hy))
    outer = s[:, :, None] * s[:, None, :]
    return h - rho[:, None, None] * (cross + cross.mT) + weight[:, None, None] * outer
