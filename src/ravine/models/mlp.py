"""Multilayer perceptron: h₀ = x, hᵢ = max(0, Wᵢ hᵢ₋₁ + bᵢ), logits = W h + b."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ravine.base.ranges import Count
from ravine.models.architecture import Architecture
from ravine.moments import Site


@dataclass(frozen=True)
class MLP(Architecture):
    """Fully connected layers on the flattened picture.

    Attributes:
        width: Units in each hidden layer, at least 1.
        depth: Hidden layers, at least 1.

    Example:
        >>> MLP(width=8, depth=1).build(channels=1, size=4, classes=3)
        Sequential(
          (0): Site(name='input')
          (1): Flatten(start_dim=1, end_dim=-1)
          (2): Linear(in_features=16, out_features=8, bias=True)
          (3): ReLU()
          (4): Site(name='before_head')
          (5): Linear(in_features=8, out_features=3, bias=True)
        )
    """

    width: Count = 256
    depth: Count = 2

    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        """See `Architecture.build`."""
        widths = [channels * size * size, *[self.width] * self.depth]
        hidden = [layer for n, m in pairwise(widths) for layer in (nn.Linear(n, m), nn.ReLU(), Site("after_block"))]
        hidden[-1] = Site("before_head")
        return nn.Sequential(Site("input"), nn.Flatten(), *hidden, nn.Linear(widths[-1], classes))
