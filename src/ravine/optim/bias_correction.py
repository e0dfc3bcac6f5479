"""The factor that makes up for an average's start at zero."""

from torch import Tensor


def bias_correction(beta: Tensor, t: Tensor) -> Tensor:
    """The factor 1 / (1 − βᵗ) of an average m ← β·m + (1 − β)·x that started at zero.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, section 3.

    Args:
        beta: β, float64 [K, 1].
        t: Steps taken, float64 [K, 1], at least 1.

    Returns:
        Float64 [K, 1].
    """
    # In place, since operators with a number on the left take three times as long, and this runs at every step.
    return beta.pow(t).neg_().add_(1.0).reciprocal_()
