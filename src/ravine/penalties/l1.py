"""The L1 penalty: weights that are exactly zero."""

from dataclasses import dataclass

from torch import Tensor, sign

from ravine.base.ranges import NonNegative
from ravine.interfaces import Columns, Penalty


@dataclass(frozen=True)
class L1(Penalty):
    """The L1 penalty, by a proximal step after the rule's.

        R(θ) = λ·‖θ‖₁            θ ← sign(θ)·max(|θ| − a·λ, 0)

    a is the rule's step length of each coordinate (lr for SGD, lr/(√v̂ + ε) for Adam). A subgradient λ·sign(θ) in its
    place jumps about zero and never reaches it.

    Source: Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996, equation (1); the step in Parikh and
    Boyd, "Proximal Algorithms", 2014, section 6.5.2; with a rate for each coordinate in Duchi, Hazan and Singer, 2011,
    section 5.1.

    Attributes:
        strength: λ, ≥ 0.
    """

    strength: NonNegative = 1e-5

    def proximal(self, p: Tensor, scale: Tensor, c: Columns) -> Tensor:
        """Every weight a·λ nearer to zero, or at it."""
        return sign(p) * (p.abs() - scale * c.strength).clamp(min=0.0)

    def value(self, p: Tensor, h: Columns) -> Tensor:
        """λ·‖θ‖₁, [K]."""
        return h.strength[:, 0] * p.abs().sum(1)
