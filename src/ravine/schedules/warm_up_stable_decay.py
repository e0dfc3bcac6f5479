"""A learning rate that rises, stays, and falls at the end."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ravine.base.ranges import Fraction
from ravine.interfaces import Columns, Schedule


@dataclass(frozen=True)
class WarmUpStableDecay(Schedule):
    """Warm-up, stable, decay: a trapezoid.

        f(t) = (t + 1)/W                            t + 1 < W,  W = warm_up·T
        f(t) = low + (1 − low)·d(x)                 x = (t − (T − D))/D from 0 to 1,  D = decay·T
        f(t) = 1                                    between

        linear   d = 1 − x          root   d = 1 − √x

    Source: Hu et al., "MiniCPM", 2024, section 4; the roots in Hägele et al., "Scaling Laws and Compute-Optimal
    Training Beyond Fixed Training Durations", 2024, section 3.

    Attributes:
        warm_up: The share of the run in which the rate rises, in [0, 1].
        decay: The share of the run in which it falls, in [0, 1].
        low: The factor at the end, in [0, 1].
        shape: How it falls.
    """

    warm_up: Fraction = 0.05
    decay: Fraction = 0.2
    low: Fraction = 0.0
    shape: Literal["linear", "root"] = "linear"

    def factor(self, h: Columns, t: Tensor, total: Tensor) -> Tensor:
        """Up to 1, along it, and down to `low`."""
        rise = ((t + 1) / (h.warm_up * total).clamp(min=1.0)).clamp(max=1.0)
        length = h.decay * total
        x = ((t - (total - length)) / length.clamp(min=1e-300)).clamp(0.0, 1.0)
        fall = 1 - (x if self.shape == "linear" else torch.sqrt(x))
        return torch.minimum(rise, h.low + (1 - h.low) * fall)
