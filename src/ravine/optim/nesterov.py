"""Nesterov's accelerated gradient, in look-ahead variables."""

from dataclasses import dataclass

from torch import Tensor, zeros_like

from ravine.base.layout import Layout
from ravine.base.ranges import Decay, Positive
from ravine.interfaces import Columns, Rule, Step


@dataclass(frozen=True)
class Nesterov(Rule):
    """Nesterov's accelerated gradient.

        v ← μ·v + g
        θ ← θ − lr·(g + μ·v)

    Source: Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k²)", 1983, in the
    form of Sutskever et al., 2013, equations (3) and (4): v ← μ·v − lr·∇f(x + μ·v), x ← x + v. Here θ = x + μ·v is
    the point that the textbook looks ahead to, so that the gradient is taken where the parameters are (Bengio,
    Boulanger-Lewandowski and Pascanu, "Advances in Optimizing Recurrent Networks", 2013). With a constant rate both
    are the same sequence.

    Attributes:
        lr: Learning rate, > 0.
        momentum: μ, in [0, 1).
    """

    lr: Positive = 1e-2
    momentum: Decay = 0.9

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """No velocity."""
        del layout
        return {"v": zeros_like(p)}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step along the velocity after the next."""
        del p, layout
        v = c.momentum * s.v + g
        return Step(delta=-c.lr * (g + c.momentum * v), state={"v": v}, scale=c.lr)
