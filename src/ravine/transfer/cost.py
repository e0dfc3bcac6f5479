"""What a contest for a head is expected to take."""

from collections.abc import Sequence
from functools import cache

import torch

from ravine.device.probe import product_rate

EVALUATIONS = 60
"""Of loss and gradient, a head."""

EIGENVECTORS = 20
"""Operations of an eigendecomposition, relative to the cube of the rows."""


def contest_seconds(rows: int, widths: Sequence[int], classes: int, heads: int) -> float:
    """About how long depths and penalties compete, and one head is fitted in the end.

    Args:
        rows: Pictures times views.
        widths: Features of each candidate.
        classes: C.
        heads: Penalties times folds.
    """
    return sum(_operations(rows, width, classes, heads) for width in widths) / _rate()


def _operations(rows: int, width: int, classes: int, heads: int) -> float:
    """Axes of the covariance, twice 2·N·D·R for a product, and of each evaluation a product there and one back."""
    rank = min(rows, width)
    axes = 4 * rows * width * rank + EIGENVECTORS * rank**3
    return axes + EVALUATIONS * heads * 4 * rows * rank * classes


@cache
def _rate() -> float:
    """Operations a second in products of large matrices."""
    return product_rate("cpu", torch.float32, seconds=0.05)
