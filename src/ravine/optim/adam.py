"""Adam: adaptive moments."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, ones_like, sqrt, zeros_like

from ravine.base.layout import Layout
from ravine.base.ranges import Decay, NonNegative, Positive
from ravine.interfaces import Columns, Rule, Step
from ravine.optim.bias_correction import bias_correction


@dataclass(frozen=True)
class Adam(Rule):
    """Adam.

        m ← β₁·m + (1 − β₁)·g            m̂ = m / (1 − β₁ᵗ)
        v ← β₂·v + (1 − β₂)·g²           v̂ = v / (1 − β₂ᵗ)
        outside_root    θ ← θ − lr·m̂ / (√v̂ + ε)
        inside_root     θ ← θ − lr·m̂ / √(v̂ + ε)

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, Algorithm 1: ε outside the root. Many
    lecture notes print it inside; there ε counts as a square, so that 1e-8 acts like 1e-4 outside. Without
    `bias_correction` (m̂ = m, v̂ = v) the first steps are (1 − β₁)/√(1 − β₂) times too long, 3.2 times by default.

    Attributes:
        lr: Learning rate, > 0.
        beta1: β₁, in [0, 1).
        beta2: β₂, in [0, 1).
        eps: ε, ≥ 0.
        bias_correction: Whether the moments are corrected for starting at zero.
        epsilon: Where ε stands.
    """

    lr: Positive = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: NonNegative = 1e-8
    bias_correction: bool = True
    epsilon: Literal["outside_root", "inside_root"] = "outside_root"

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """Moments at zero."""
        del layout
        return {"m": zeros_like(p), "v": zeros_like(p)}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """The corrections 1 / (1 − βᵗ)."""
        if not self.bias_correction:
            return {**h, "correction1": ones_like(t), "correction2": ones_like(t)}
        return {**h, "correction1": bias_correction(h.beta1, t), "correction2": bias_correction(h.beta2, t)}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step of the size lr in units of each coordinate's own gradient."""
        del p, layout
        m = s.m + (1 - c.beta1) * (g - s.m)
        v = s.v + (1 - c.beta2) * (g * g - s.v)
        v_hat = c.correction2 * v
        root = sqrt(v_hat) + c.eps if self.epsilon == "outside_root" else sqrt(v_hat + c.eps)
        scale = c.lr / root
        return Step(delta=-scale * (c.correction1 * m), state={"m": m, "v": v}, scale=scale)
