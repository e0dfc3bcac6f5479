"""RMSProp: steps in units of each coordinate's recent gradients."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, sqrt, zeros_like

from ravine.base.layout import Layout
from ravine.base.ranges import Decay, NonNegative, Positive
from ravine.interfaces import Columns, Rule, Step


@dataclass(frozen=True)
class RMSProp(Rule):
    """RMSProp, plain and centred, with momentum where it is not zero.

        v ← α·v + (1 − α)·g²
        centred          m ← α·m + (1 − α)·g        v̂ = max(v − m², 0)        (plain: v̂ = v)
        outside_root     u = g / (√v̂ + ε)
        inside_root      u = g / √(v̂ + ε)
        b ← μ·b + u      θ ← θ − lr·b

    Source: Tieleman and Hinton, Coursera "Neural Networks for Machine Learning", lecture 6e, 2012, slide 29 (plain,
    no ε). Centred: Graves, "Generating Sequences With Recurrent Neural Networks", 2013, equations (38) to (41), with
    ε inside; PyTorch has it outside, TensorFlow inside. v − m² is a variance, but rounding can make it negative
    (PyTorch's centred form becomes NaN on a constant gradient); here it is clamped at 0.

    Attributes:
        lr: Learning rate, > 0.
        alpha: α, in [0, 1).
        eps: ε, ≥ 0.
        momentum: μ, in [0, 1).
        centred: Whether the mean is subtracted.
        epsilon: Where ε stands.
    """

    lr: Positive = 1e-2
    alpha: Decay = 0.99
    eps: NonNegative = 1e-8
    momentum: Decay = 0.0
    centred: bool = False
    epsilon: Literal["outside_root", "inside_root"] = "outside_root"

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """Averages at zero; no buffer for a momentum that nobody has."""
        del layout
        names = ["v"] + ["m"] * self.centred + ["b"] * (self.momentum != 0)
        return {name: zeros_like(p) for name in names}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step in units of the root of recent squared gradients."""
        del p, layout
        state = {"v": c.alpha * s.v + (1 - c.alpha) * (g * g)}
        variance = state["v"]
        if self.centred:
            state["m"] = s.m + (1 - c.alpha) * (g - s.m)
            variance = (variance - state["m"] * state["m"]).clamp(min=0.0)
        unit = 1 / (sqrt(variance) + c.eps if self.epsilon == "outside_root" else sqrt(variance + c.eps))
        update = unit * g
        if "b" in s:
            update = state["b"] = c.momentum * s.b + update
        return Step(delta=-c.lr * update, state=state, scale=c.lr * unit)
