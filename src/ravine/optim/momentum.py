"""Heavy-ball momentum, in both published forms."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, zeros_like

from ravine.base.layout import Layout
from ravine.base.ranges import Decay, Positive
from ravine.interfaces import Columns, Rule, Step


@dataclass(frozen=True)
class Momentum(Rule):
    """Heavy-ball momentum.

        rate_outside    v ← μ·v + (1 − τ)·g          θ ← θ − lr·v
        rate_inside     v ← μ·v + (1 − τ)·lr·g       θ ← θ − v

    The first velocity is not dampened: v₁ = g₁ (or lr·g₁).

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    `rate_inside` is Sutskever et al., 2013, equations (1) and (2), with the sign of v turned; `rate_outside` is
    PyTorch's. They are the same as long as the rate does not change: when it falls, `rate_outside` slows down at
    once, while `rate_inside` first uses up the velocity gathered at the old rate.

    Attributes:
        lr: Learning rate, > 0.
        momentum: μ, in [0, 1).
        dampening: τ, in [0, 1).
        form: Where the rate stands.
    """

    lr: Positive = 1e-2
    momentum: Decay = 0.9
    dampening: Decay = 0.0
    form: Literal["rate_outside", "rate_inside"] = "rate_outside"

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """No velocity."""
        del layout
        return {"v": zeros_like(p)}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """The weight of the gradient in the velocity: 1 − τ, and 1 at the first step."""
        return {"lr": h.lr, "μ": h.momentum, "gain": torch.where(t == 1, 1.0, 1 - h.dampening)}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step along the velocity."""
        del p, layout
        inside = self.form == "rate_inside"
        v = c.μ * s.v + c.gain * (c.lr * g if inside else g)
        return Step(delta=-v if inside else -c.lr * v, state={"v": v}, scale=c.lr)
