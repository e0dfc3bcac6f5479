"""Decoupled weight decay, for any rule."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.decay import DecayKind, decay_share
from ravine.base.ranges import NonNegative
from ravine.interfaces import Columns, Penalty


@dataclass(frozen=True)
class DecoupledDecay(Penalty):
    """Decoupled weight decay: beside the rule's step, not through it.

        θ ← θ + (the rule's step) − s·θ

        decoupled      s = lr·λ             independent    s = (lr/peak)·λ
        corrected      s = (lr²/peak)·λ

    Source: Hanson and Pratt, "Comparing Biases for Minimal Network Construction with Back-Propagation", 1988; against
    L2 under adaptive rules in Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, Algorithm 2.

    Attributes:
        strength: λ, ≥ 0.
        kind: What the share s is.
    """

    strength: NonNegative = 1e-2
    kind: DecayKind = "decoupled"

    def coefficients(self, h: Columns) -> dict[str, Tensor]:
        """The share s."""
        return {"share": decay_share(self.kind, h.strength, h.lr, h.peak)}

    def decay(self, p: Tensor, c: Columns) -> Tensor:
        """−s·θ."""
        return -c.share * p

    def value(self, p: Tensor, h: Columns) -> Tensor:
        """½·λ·‖θ‖², [K]: the term whose gradient it is under plain SGD."""
        return 0.5 * h.strength[:, 0] * p.square().sum(1)
