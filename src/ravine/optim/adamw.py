"""AdamW: Adam with weight decay beside the adaptive step."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, sqrt, zeros_like

from ravine.base.decay import decay_share
from ravine.base.layout import Layout
from ravine.base.ranges import Decay, NonNegative, Positive
from ravine.interfaces import Columns, Rule, Step
from ravine.optim.bias_correction import bias_correction


@dataclass(frozen=True)
class AdamW(Rule):
    """AdamW.

        m ← β₁·m + (1 − β₁)·g            m̂ = m / (1 − β₁ᵗ)
        v ← β₂·v + (1 − β₂)·g²           v̂ = v / (1 − β₂ᵗ)
        θ ← θ − lr·m̂ / (√v̂ + ε) − s·θ

        decoupled      s = lr·λ              independent    s = (lr/peak)·λ
        corrected      s = (lr²/peak)·λ      l2             s = 0, but g ← g + λ·θ beforehand

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, Algorithm 2. The paper's own kind is
    `independent`: λ times the schedule's factor, not times the rate. PyTorch, and with it most results, multiply by
    the rate: `decoupled`. `l2` is Algorithm 2's other line, the penalty that goes through the moments.

    Attributes:
        lr: Learning rate, > 0.
        beta1: β₁, in [0, 1).
        beta2: β₂, in [0, 1).
        eps: ε, ≥ 0.
        weight_decay: λ, ≥ 0.
        decay: The kind of decay.
        biases_and_norms: Whether biases and norms decay like weights.
    """

    lr: Positive = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: NonNegative = 1e-8
    weight_decay: NonNegative = 1e-2
    decay: Literal["decoupled", "corrected", "independent", "l2"] = "decoupled"
    biases_and_norms: bool = False

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """Moments at zero."""
        del layout
        return {"m": zeros_like(p), "v": zeros_like(p)}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """The corrections 1 / (1 − βᵗ) and the share s, or λ for l2."""
        decay = h.weight_decay if self.decay == "l2" else decay_share(self.decay, h.weight_decay, h.lr, h.peak)
        corrections = {"correction1": bias_correction(h.beta1, t), "correction2": bias_correction(h.beta2, t)}
        return {**h, "decay": decay, **corrections}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """Adam's step, and decay towards zero."""
        del layout
        decay = c.decay * (p if self.biases_and_norms else torch.where(c.penalized, p, 0.0))
        if self.decay == "l2":
            g, decay = g + decay, 0.0
        m = s.m + (1 - c.beta1) * (g - s.m)
        v = s.v + (1 - c.beta2) * (g * g - s.v)
        scale = c.lr / (sqrt(c.correction2 * v) + c.eps)
        return Step(delta=-scale * (c.correction1 * m) - decay, state={"m": m, "v": v}, scale=scale)
