"""The elastic net: L1 and L2 together."""

from dataclasses import dataclass

from torch import Tensor, sign

from ravine.base.ranges import NonNegative
from ravine.interfaces import Columns, Penalty


@dataclass(frozen=True)
class ElasticNet(Penalty):
    """The elastic net, by a proximal step after the rule's.

        R(θ) = λ₁·‖θ‖₁ + ½·λ₂·‖θ‖²            θ ← sign(θ)·max(|θ| − a·λ₁, 0) / (1 + a·λ₂)

    a is the rule's step length of each coordinate. Correlated inputs, of which L1 alone keeps one, share the weight.

    Source: Zou and Hastie, "Regularization and Variable Selection via the Elastic Net", 2005, equation (3), naive form
    (there λ₂ without the ½); the step in Parikh and Boyd, "Proximal Algorithms", 2014, section 6.5.3.

    Attributes:
        l1: λ₁, ≥ 0.
        l2: λ₂, ≥ 0.
    """

    l1: NonNegative = 1e-5
    l2: NonNegative = 1e-4

    def proximal(self, p: Tensor, scale: Tensor, c: Columns) -> Tensor:
        """Every weight nearer to zero by a·λ₁ and then by a share."""
        return sign(p) * (p.abs() - scale * c.l1).clamp(min=0.0) / (1 + scale * c.l2)

    def value(self, p: Tensor, h: Columns) -> Tensor:
        """λ₁·‖θ‖₁ + ½·λ₂·‖θ‖², [K]."""
        return h.l1[:, 0] * p.abs().sum(1) + 0.5 * h.l2[:, 0] * p.square().sum(1)
