"""Lion: the sign of a momentum."""

from dataclasses import dataclass

import torch
from torch import Tensor, sign, zeros_like

from ravine.base.layout import Layout
from ravine.base.ranges import Decay, NonNegative, Positive
from ravine.interfaces import Columns, Rule, Step


@dataclass(frozen=True)
class Lion(Rule):
    """Lion.

        u = β₁·m + (1 − β₁)·g
        θ ← θ − lr·(sign(u) + λ·θ)
        m ← β₂·m + (1 − β₂)·g

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, Algorithm 2. Every coordinate moves by
    lr, so rates are 3 to 10 times smaller than AdamW's, and λ as much larger.

    Attributes:
        lr: Learning rate, > 0.
        beta1: β₁, in [0, 1).
        beta2: β₂, in [0, 1).
        weight_decay: λ, ≥ 0.
        biases_and_norms: Whether biases and norms decay like weights.
    """

    lr: Positive = 1e-4
    beta1: Decay = 0.9
    beta2: Decay = 0.99
    weight_decay: NonNegative = 0.0
    biases_and_norms: bool = False

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """No momentum."""
        del layout
        return {"m": zeros_like(p)}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step of the length lr in every coordinate."""
        del layout
        u = c.beta1 * s.m + (1 - c.beta1) * g
        m = c.beta2 * s.m + (1 - c.beta2) * g
        weights = p if self.biases_and_norms else torch.where(c.penalized, p, 0.0)
        return Step(delta=-c.lr * (sign(u) + c.weight_decay * weights), state={"m": m}, scale=c.lr)
