"""A learning rate that does not change."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.interfaces import Columns, Schedule


@dataclass(frozen=True)
class Constant(Schedule):
    """A learning rate that does not change.

        f(t) = 1

    Source: Robbins and Monro, 1951, is what it gives up: with a constant rate SGD reaches a neighbourhood of the
    minimum and stays at noise of that size (Bottou, Curtis and Nocedal, 2018, Theorem 4.6).
    """

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """One at every step."""
        del h, total
        return torch.ones_like(t)
