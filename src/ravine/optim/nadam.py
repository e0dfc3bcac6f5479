"""NAdam: Adam with Nesterov's momentum."""

from dataclasses import dataclass

import torch
from torch import Tensor, sqrt, zeros_like

from ravine.base.layout import Layout
from ravine.base.ranges import Decay, NonNegative, Positive
from ravine.interfaces import Columns, Rule, Step
from ravine.optim.bias_correction import bias_correction


@dataclass(frozen=True)
class NAdam(Rule):
    """NAdam.

        μₜ = β₁·(1 − ½·0.96^(t·ψ))
        m ← β₁·m + (1 − β₁)·g
        v ← β₂·v + (1 − β₂)·g²           v̂ = v / (1 − β₂ᵗ)
        m̄ = μₜ₊₁·m / (1 − Πᵢ₌₁ᵗ⁺¹ μᵢ) + (1 − μₜ)·g / (1 − Πᵢ₌₁ᵗ μᵢ)
        θ ← θ − lr·m̄ / (√v̂ + ε)

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2016, Algorithm 2, in PyTorch's form: Dozat has μₜ
    for β₁ in m, and a further factor β₂ in v̂. Π has no closed form; it is kept in float64 (PyTorch keeps float32).

    Attributes:
        lr: Learning rate, > 0.
        beta1: β₁, in [0, 1).
        beta2: β₂, in [0, 1).
        eps: ε, ≥ 0.
        momentum_decay: ψ, ≥ 0.
    """

    lr: Positive = 2e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: NonNegative = 1e-8
    momentum_decay: NonNegative = 4e-3

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """Moments at zero."""
        del layout
        return {"m": zeros_like(p), "v": zeros_like(p)}

    def start(self, h: Columns) -> dict[str, Tensor]:
        """The empty product."""
        return {"product": torch.ones_like(h.lr)}

    def advance(self, h: Columns, t: Tensor, s: Columns) -> dict[str, Tensor]:
        """The product of μ₁ to μₜ."""
        return {"product": s.product * _momentum(h, t)}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """The weights of m and g in m̄, and 1 / (1 − β₂ᵗ)."""
        following = _momentum(h, t + 1)
        return {
            **h,
            "of_m": following / (1 - h.product * following),
            "of_g": (1 - _momentum(h, t)) / (1 - h.product),
            "correction2": bias_correction(h.beta2, t),
        }

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """Adam's step along the momentum of the step after."""
        del p, layout
        m = s.m + (1 - c.beta1) * (g - s.m)
        v = s.v + (1 - c.beta2) * (g * g - s.v)
        scale = c.lr / (sqrt(c.correction2 * v) + c.eps)
        return Step(delta=-scale * (c.of_m * m + c.of_g * g), state={"m": m, "v": v}, scale=scale)


def _momentum(h: Columns, t: Tensor) -> Tensor:
    return h.beta1 * (1 - 0.5 * 0.96 ** (t * h.momentum_decay))
