"""Adagrad: a rate for each coordinate, falling with its gradients so far."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, sqrt

from ravine.base.layout import Layout
from ravine.base.ranges import NonNegative, Positive
from ravine.interfaces import Columns, Rule, Step


@dataclass(frozen=True)
class Adagrad(Rule):
    """Adagrad.

        s ← s + g²                       a = lr / (1 + (t − 1)·d)
        outside_root    θ ← θ − a·g / (√s + ε)
        inside_root     θ ← θ − a·g / √(s + ε)

    Since s only grows, the step dies down like 1/√t.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    2011, Figure 1 with diagonal matrices: δ (here ε) outside the root. PyTorch: outside, s₀ = 0, ε = 1e-10. Optax:
    inside, s₀ = 0.1, ε = 1e-7; at the defaults the two are 1e-2 apart after 300 steps.

    Attributes:
        lr: Learning rate, > 0.
        eps: ε, > 0.
        lr_decay: d, ≥ 0, a further decay of the rate.
        initial: s₀, ≥ 0.
        epsilon: Where ε stands.
    """

    lr: Positive = 1e-2
    eps: Positive = 1e-10
    lr_decay: NonNegative = 0.0
    initial: NonNegative = 0.0
    epsilon: Literal["outside_root", "inside_root"] = "outside_root"

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """The sum at s₀."""
        del layout
        initial = self.columns(p.shape[0], p.device).initial
        return {"s": torch.ones_like(p) * initial.to(p.dtype)}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """The decayed rate a."""
        return {"a": h.lr / (1 + (t - 1) * h.lr_decay), "eps": h.eps}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step in units of the root of all squared gradients so far."""
        del p, layout
        total = s.s + g * g
        scale = c.a / (sqrt(total) + c.eps if self.epsilon == "outside_root" else sqrt(total + c.eps))
        return Step(delta=-scale * g, state={"s": total}, scale=scale)
