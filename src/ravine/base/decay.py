"""The share of a weight that decoupled decay takes off in one step, in its published kinds."""

from typing import Literal

from torch import Tensor

DecayKind = Literal["decoupled", "corrected", "independent"]


def decay_share(kind: DecayKind, strength: Tensor, lr: Tensor, peak: Tensor) -> Tensor:
    """The share s of θ ← θ − s·θ.

        decoupled      s = lr·λ             PyTorch's AdamW, and most that is called so
        independent    s = (lr/peak)·λ      Loshchilov and Hutter, 2019, Algorithm 2: λ times the schedule alone
        corrected      s = (lr²/peak)·λ     AdamC (Defazio, 2025): keeps the norm of the weights as the rate falls

    Args:
        kind: Which of them.
        strength: λ.
        lr: The scheduled rate.
        peak: The rate where the schedule's factor is 1.

    Returns:
        A tensor of the shape of the others.
    """
    factors = {"decoupled": lr, "independent": lr / peak, "corrected": lr * lr / peak}
    return factors[kind] * strength
