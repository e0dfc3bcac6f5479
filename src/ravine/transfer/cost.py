"""What a contest for a head is expected to take.

257 photos on one core, 40 heads of 5 folds and 8 penalties: on 1,280 features 51 evaluations a head and 126 rounds, in
0.5 s of the core; on the 24 to 320 of an earlier depth 59 to 212 evaluations and 166 to 857 rounds, in 0.6 to 1.7 s.
"""

from collections.abc import Sequence
from functools import cache

import torch

from ravine.device.probe import launch_seconds, product_rate

EVALUATIONS, ROUNDS = 70, 300
"""Of loss and gradient: of a head, and of all heads that are fitted together, until the last has arrived."""

LAUNCHES = 2_000
"""What a round takes beside its products, in launches of an operation on one number."""

EIGENVECTORS = 20
"""Operations of an eigendecomposition, relative to the cube of the rows."""


def contest_seconds(rows: int, widths: Sequence[int], classes: int, heads: int) -> float:
    """About how long depths and penalties compete, on a machine that does nothing else.

    Args:
        rows: Pictures times views.
        widths: Features of each candidate.
        classes: C.
        heads: Penalties times folds.
    """
    rate, launch = _measured()
    operations = sum(_operations(rows, width, classes, heads) for width in widths)
    return operations / rate + len(widths) * ROUNDS * LAUNCHES * launch


def _operations(rows: int, width: int, classes: int, heads: int) -> float:
    """Axes of the covariance, twice 2·N·D·R for a product, and of each evaluation a product there and one back."""
    rank = min(rows, width)
    axes = 4 * rows * width * rank + EIGENVECTORS * rank**3
    return axes + EVALUATIONS * heads * 4 * rows * rank * classes


@cache
def _measured() -> tuple[float, float]:
    """Operations a second in products of large matrices, and seconds of a launch."""
    return product_rate("cpu", torch.float32, seconds=0.05), launch_seconds("cpu", seconds=0.02)
