"""L-BFGS: quasi-Newton steps from the last m changes of point and gradient, batched over members.

    d = −H g, with H the BFGS matrix built from γI and the last m pairs
    s = x⁺ − x,  y = g⁺ − g,  ρ = 1/yᵀs,  γ = sᵀy / yᵀy                         (latest pair)

Source: J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition (2006): algorithm 7.4 (the two-loop
recursion), algorithm 7.5, equation (7.20) for γ. The recursion runs on inner products, as in W. Chen, Z. Wang and
J. Zhou, "Large-scale L-BFGS using MapReduce" (NIPS 2014), algorithm 3: two passes over the history a step.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ravine.base.ranges import Count
from ravine.optim.second_order.curvature import Counts, Curvature, Flags, Move
from ravine.optim.second_order.descent import LineSearchMinimizer
from ravine.optim.second_order.minimizer import Closure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LBFGS(LineSearchMinimizer):
    """L-BFGS with a line search that guarantees the strong Wolfe conditions on every accepted step.

    A pair enters the history when yᵀs > ε‖s‖‖y‖, with ε the rounding unit of theta's dtype: a test without units, so
    that multiplying the loss changes nothing. The first step has length 1; a restart, the length of the last step.

    Attributes:
        history: m, the pairs kept. [K, 2m, P] numbers are stored.
        scaling: Whether γ comes from the latest pair, as published, or from the first one, as dense BFGS has it.

    Example:
        >>> def closure(theta, rows):
        ...     return (theta**2).sum(1), 2 * theta
        >>> LBFGS().run(closure, torch.ones(2, 3)).converged
        tensor([True, True])
    """

    history: Count = 10
    scaling: Literal["latest", "first"] = "latest"

    @property
    def wolfe(self) -> tuple[float, float]:
        """c₁ = 1e-4 and c₂ = 0.9, the book's choice for quasi-Newton methods."""
        return 1e-4, 0.9

    def curvature(self, closure: Closure, theta: Tensor) -> Curvature:
        """An empty history."""
        del closure
        return _History(self.history, self.scaling == "latest", theta)


class _History(Curvature):
    """The pairs of k members, and their inner products on the host.

    Slot j of a member holds sⱼ in row j and yⱼ in row m + j; `age` counts the pairs stored after it.
    """

    def __init__(self, size: int, latest: bool, theta: Tensor) -> None:
        members, parameters = theta.shape
        self.size, self.latest, self.epsilon = size, latest, torch.finfo(theta.dtype).eps
        self.pairs = theta.new_zeros(members, 2 * size, parameters)
        self.sy, self.yy = np.zeros((members, size, size)), np.zeros((members, size, size))
        self.stored = np.zeros(members, np.int64)
        self.gamma = np.ones(members)

    def unscaled(self) -> Flags:
        """Members without a pair."""
        return self.stored == 0

    def forget(self, which: Flags) -> None:
        """Empty the history of these members."""
        self.stored = np.where(which, 0, self.stored)
        self.gamma = np.where(which, 1.0, self.gamma)

    def keep(self, kept: Counts) -> None:
        """Keep these positions; the large history moves only where it must."""
        moved = np.flatnonzero(kept != np.arange(len(kept)))
        for here, there in zip(moved, kept[moved], strict=True):
            self.pairs[here] = self.pairs[there]
        self.pairs = self.pairs[: len(kept)]
        self.sy, self.yy = self.sy[kept], self.yy[kept]
        self.stored, self.gamma = self.stored[kept], self.gamma[kept]

    def directions(self, move: Move) -> Tensor:
        """Take in the latest pair, and answer −H g."""
        fresh = torch.stack([move.gradient, move.step, move.change], 1)
        answers = torch.cat([torch.bmm(self.pairs, fresh.mT), torch.bmm(fresh, fresh.mT)], 1)
        products = answers.to(torch.float64).cpu().numpy()
        self._remember(move, products)
        on_g, on_pairs = self._coefficients(products[:, : 2 * self.size, 0])
        weights = torch.from_numpy(on_pairs).to(self.pairs.device, self.pairs.dtype)
        scale = torch.from_numpy(on_g).to(self.pairs.device, self.pairs.dtype)
        return torch.baddbmm(move.gradient[:, None] * scale[:, None, None], weights[:, None], self.pairs).squeeze(1)

    def _remember(self, move: Move, products: NDArray[np.float64]) -> None:
        """Store the pairs that pass the curvature test, with their inner products."""
        size = self.size
        among = products[:, 2 * size :]
        sy, ss, yy = among[:, 1, 2], among[:, 1, 1], among[:, 2, 2]
        valid = move.accepted & (sy > self.epsilon * np.sqrt(ss) * np.sqrt(yy))
        replace = valid if self.latest else valid & (self.stored == 0)
        self.gamma = np.divide(sy, yy, out=self.gamma.copy(), where=replace)
        at = np.flatnonzero(valid)
        slot = self.stored[at] % size
        positions, slots = torch.from_numpy(at), torch.from_numpy(slot)
        self.pairs[positions, slots] = move.step[positions]
        self.pairs[positions, size + slots] = move.change[positions]
        self.sy[at, :, slot] = products[at, :size, 2]
        self.yy[at, :, slot] = self.yy[at, slot, :] = products[at, size : 2 * size, 2]
        self.sy[at, slot, slot], self.yy[at, slot, slot] = sy[at], yy[at]
        products[at, slot, 0], products[at, size + slot, 0] = among[at, 1, 0], among[at, 2, 0]
        self.stored[at] += 1

    def _coefficients(self, on_gradient: Floats) -> tuple[Floats, Floats]:
        """The two-loop recursion, on inner products: −H g = a·g + Σ wⱼ (sⱼ, yⱼ)."""
        size = self.size
        newest_first = (self.stored[:, None] - 1 - np.arange(size)) % size
        held = np.arange(size) < self.stored[:, None]
        order = newest_first[:, :, None], newest_first[:, None, :]
        member = np.arange(len(self.stored))[:, None]
        sy, yy = self.sy[member[:, None], *order], self.yy[member[:, None], *order]
        sg, yg = on_gradient[member, newest_first], on_gradient[member, size + newest_first]
        rho = np.divide(1, np.diagonal(sy, axis1=1, axis2=2), out=np.zeros_like(sg), where=held)
        alpha, on_s = np.zeros_like(sg), np.zeros_like(sg)
        for i in range(size):
            alpha[:, i] = rho[:, i] * (sg[:, i] - (sy[:, i, :i] * alpha[:, :i]).sum(1))
        scaled = self.gamma[:, None] * (yg - (yy * alpha[:, None]).sum(2))
        for i in reversed(range(size)):
            beta = rho[:, i] * (scaled[:, i] + (sy[:, i + 1 :, i] * on_s[:, i + 1 :]).sum(1))
            on_s[:, i] = alpha[:, i] - beta
        weights = np.zeros_like(on_gradient)
        weights[member, newest_first], weights[member, size + newest_first] = -on_s, self.gamma[:, None] * alpha
        return -self.gamma, weights
