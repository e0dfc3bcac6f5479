"""What a schedule counts in: steps, or shares of the run."""

from typing import Literal

import torch
from torch import Tensor

Unit = Literal["step", "run"]
"""Whether a length is a number of steps or a share of the run; a rate is per step or per run."""

_ROUNDING = 1e-9


def in_steps(length: Tensor, total: Tensor, unit: Unit) -> Tensor:
    """A length in steps.

    Args:
        length: Lengths in the unit, float64 [K, 1].
        total: Steps of the run, float64 [K, 1].
        unit: What the lengths are given in.
    """
    return length if unit == "step" else length * total


def whole(ratio: Tensor) -> Tensor:
    """The whole part of a ratio; a ratio that rounding left just below a whole number counts as that number.

    Example:
        >>> whole(torch.tensor([2.5, 3 - 1e-15])).tolist()
        [2.0, 3.0]
    """
    return torch.floor(ratio + _ROUNDING)
