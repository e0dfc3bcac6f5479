"""Schedule-free learning: an average of the iterates in place of a falling rate."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, sqrt

from ravine.base.layout import Layout
from ravine.base.ranges import Decay, Hyper, NonNegative, Positive, Range
from ravine.interfaces import Columns, Rule, Step

Interior = Annotated[Hyper, Range(0, 1, low_open=True, high_open=True)]


@dataclass(frozen=True)
class ScheduleFree(Rule):
    """Schedule-free SGD and AdamW.

        y = (1 − β)·z + β·x                            the point of the gradient; θ holds it
        sgd      γ = lr                  d = g
        adamw    γ = lr·√(1 − β₂ᵗ)       d = g / (√v + ε),  v ← β₂·v + (1 − β₂)·g²
        z ← z − γ·(d + λ·y)
        x ← (1 − c)·x + c·z,  c = γₜ² / Σᵢ₌₁ᵗ γᵢ²         the average; `evaluated` gives it

    x is not stored, since y and z determine it. A warm-up is the schedule's; no other schedule is needed.

    Source: Defazio et al., "The Road Less Scheduled", 2024, Algorithm 1.

    Attributes:
        lr: Learning rate, > 0.
        beta: β (β₁ in Algorithm 1), in (0, 1).
        beta2: β₂ of adamw, in [0, 1).
        eps: ε of adamw, ≥ 0.
        weight_decay: λ, ≥ 0.
        base: The rule that moves z.
        biases_and_norms: Whether biases and norms decay like weights.
    """

    lr: Positive = 2.5e-3
    beta: Interior = 0.9
    beta2: Decay = 0.999
    eps: NonNegative = 1e-8
    weight_decay: NonNegative = 0.0
    base: Literal["sgd", "adamw"] = "adamw"
    biases_and_norms: bool = False

    @property
    def averages(self) -> bool:
        """Always: x is evaluated, y is trained."""
        return True

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """Everything at the same point."""
        del layout
        return {"z": p.clone()} | ({"v": torch.zeros_like(p)} if self.base == "adamw" else {})

    def start(self, h: Columns) -> dict[str, Tensor]:
        """The empty sum of γ²."""
        return {"weight_sum": torch.zeros_like(h.lr)}

    def advance(self, h: Columns, t: Tensor, s: Columns) -> dict[str, Tensor]:
        """The sum of γ² up to step t."""
        return {"weight_sum": s.weight_sum + self._gamma(h, t) ** 2}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """γ and the weight c of the newest z."""
        gamma = self._gamma(h, t)
        share = torch.where(h.weight_sum > 0, gamma**2 / h.weight_sum, 0.0)
        return {**h, "gamma": gamma, "share": share, "of_direction": gamma * (1 - h.beta * (1 - share))}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """Move z, and y with it."""
        del layout
        state, d, scale = {}, g, c.gamma
        if self.base == "adamw":
            v = state["v"] = s.v + (1 - c.beta2) * (g * g - s.v)
            d, scale = g / (sqrt(v) + c.eps), c.gamma / (sqrt(v) + c.eps)
        d = d + c.weight_decay * (p if self.biases_and_norms else torch.where(c.penalized, p, 0.0))
        state["z"] = s.z - c.gamma * d
        return Step(delta=c.share * (s.z - p) - c.of_direction * d, state=state, scale=scale)

    def evaluated(self, p: Tensor, s: Columns, h: Columns) -> Tensor:
        """The average x."""
        return (p - (1 - h.beta) * s.z) / h.beta

    def _gamma(self, h: Columns, t: Tensor) -> Tensor:
        return h.lr * sqrt(1 - h.beta2**t) if self.base == "adamw" else h.lr
