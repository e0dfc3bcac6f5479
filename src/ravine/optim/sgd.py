"""Stochastic gradient descent."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.layout import Layout
from ravine.base.ranges import Positive
from ravine.interfaces import Columns, Rule, Step


@dataclass(frozen=True)
class SGD(Rule):
    """Stochastic gradient descent.

        θ ← θ − lr·g

    Source: Robbins and Monro, "A Stochastic Approximation Method", 1951; with a vector and the gradient of a
    mini-batch in Bottou, Curtis and Nocedal, 2018, Algorithm 4.1.

    Attributes:
        lr: Learning rate, > 0.
    """

    lr: Positive = 1e-2

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step against the gradient."""
        del p, s, layout
        return Step(delta=-c.lr * g, state={}, scale=c.lr)
