"""Layers without parameters, which do to each member's entries what they would do to one member's."""

from copy import deepcopy

from torch import nn

from ravine.train.stacking.activations import Activations
from ravine.train.stacking.place import Place

ELEMENTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Tanh, nn.Sigmoid, nn.Softplus),
)
"""Act on single entries."""

POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d)
"""Act on single maps."""


class Alike(nn.Module):
    """One member's layer, applied to all at once."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.same()
        self.layer = deepcopy(place.modules[0])

    def forward(self, x: Activations) -> Activations:
        """From maps to maps, or from features to features."""
        return Activations(self.layer(x.values), x.members)


class StackedFlatten(nn.Module):
    """Maps as features."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.same("start_dim", "end_dim")
        first = place.modules[0]
        if not isinstance(first, nn.Flatten) or (first.start_dim, first.end_dim) != (1, -1):
            raise place.refusal("only Flatten(1, -1) is stacked")

    def forward(self, x: Activations) -> Activations:
        """From maps [N, M·C, H, W] to features [M, C·H·W, N]."""
        return x.flat()
