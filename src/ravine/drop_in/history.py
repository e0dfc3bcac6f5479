"""An L-BFGS history that goes on from one run to the next, as PyTorch's closure protocol needs it."""

from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from ravine.optim.second_order.curvature import Counts, Curvature, Flags, Move
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.minimizer import Closure


class LastingHistory(Curvature):
    """The history of one member; the end of a run does not end it.

    Where a run begins, the way from the last point that had a direction to the point of now is a pair like any other,
    so that runs of a single step learn as much as one run of many.
    """

    def __init__(self, pairs: Curvature, theta: Tensor) -> None:
        """Begin with the empty history `pairs`, of members at theta [1, P]."""
        self.pairs, self.like = pairs, theta.detach()[:0]
        self.last: tuple[Tensor, Tensor] | None = None
        self.begins = True

    def fits(self, theta: Tensor) -> bool:
        """Whether the history is one of such points."""
        like = self.like
        return (like.shape[1], like.dtype, like.device) == (theta.shape[1], theta.dtype, theta.device)

    def unscaled(self) -> Flags:
        """See `Curvature.unscaled`."""
        return self.pairs.unscaled()

    def forget(self, which: Flags) -> None:
        """See `Curvature.forget`."""
        self.pairs.forget(which)

    def keep(self, kept: Counts) -> None:
        """Stay, also when the member has ended."""
        self.begins |= len(kept) == 0

    def directions(self, move: Move) -> Tensor:
        """See `Curvature.directions`."""
        if self.begins and self.last is not None:
            theta, gradient = self.last
            step, change = move.theta - theta, move.gradient - gradient
            move = replace(move, step=step, change=change, accepted=np.ones(1, bool))
        self.begins, self.last = False, (move.theta, move.gradient)
        return self.pairs.directions(move)


@dataclass(frozen=True)
class LastingLBFGS(LBFGS):
    """L-BFGS of one member that begins with a given history.

    Attributes:
        lasting: The history; it changes.
    """

    lasting: LastingHistory | None = field(default=None, compare=False)

    def curvature(self, closure: Closure, theta: Tensor) -> Curvature:
        """The given history, or an empty one."""
        return self.lasting or super().curvature(closure, theta)
