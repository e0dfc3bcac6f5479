"""A learning rate that rises once and falls once."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.base.ranges import Fraction
from ravine.interfaces import Columns, Schedule


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One cycle: up along half a cosine, then down along another to far below the start.

        f(t) = first + (1 − first)·½·(1 − cos(π·t/R))                 t < R,  R = rise·T − 1
        f(t) = last + (1 − last)·½·(1 + cos(π·(t − R)/(T − 1 − R)))     R ≤ t ≤ T − 1

    T is the number of steps of the run; after it the rate stays at `last`.

    Source: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
    2018, section 3, where the legs are straight; the half cosines are fast.ai's and PyTorch's.

    Attributes:
        rise: The share of the run in which the rate rises, in [0, 1].
        first: The factor at the first step, in [0, 1].
        last: The factor at the last step, in [0, 1].
    """

    rise: Fraction = 0.3
    first: Fraction = 0.04
    last: Fraction = 4e-6

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """Up to 1, then down to `last`."""
        end = (total - 1).clamp(min=0.0)
        top = (h.rise * total - 1).clamp(min=0.0)
        up = h.first + (1 - h.first) * 0.5 * (1 - torch.cos(math.pi * t / top.clamp(min=1e-300)))
        done = ((t - top) / (end - top).clamp(min=1e-300)).clamp(0.0, 1.0)
        down = h.last + (1 - h.last) * 0.5 * (1 + torch.cos(math.pi * done))
        return torch.where(t < top, up, down)
