"""The L2 penalty: a quadratic term in the loss."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.ranges import NonNegative
from ravine.interfaces import Columns, Penalty


@dataclass(frozen=True)
class L2(Penalty):
    """The L2 penalty, coupled: its gradient goes through the rule like the loss's.

        R(θ) = ½·λ·‖θ‖²            g ← g + λ·θ

    Source: Hoerl and Kennard, "Ridge Regression", 1970; as "weight decay" in Krogh and Hertz, 1992.
    PyTorch's `weight_decay` of all rules but AdamW is this λ; notes that write R = λ·‖θ‖² mean half of it.

    Attributes:
        strength: λ, ≥ 0.
    """

    strength: NonNegative = 1e-4

    def gradient(self, p: Tensor, c: Columns) -> Tensor:
        """λ·θ."""
        return c.strength * p

    def value(self, p: Tensor, h: Columns) -> Tensor:
        """½·λ·‖θ‖², [K]."""
        return 0.5 * h.strength[:, 0] * p.square().sum(1)
