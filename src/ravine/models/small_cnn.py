"""Small convolution network for pictures up to 64 pixels: blocks of convolution, batch norm, ReLU and pooling."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ravine.base.errors import PlanError
from ravine.base.ranges import Count
from ravine.models.architecture import Architecture


@dataclass(frozen=True)
class SmallCNN(Architecture):
    """Each block halves the picture and doubles the channels; a linear layer reads what is left.

    Attributes:
        width: Channels of the first block, at least 1.
        depth: Blocks, at least 1; the picture must be at least 2^depth pixels wide.

    Example:
        >>> network = SmallCNN(width=8, depth=2).build(channels=3, size=28, classes=10)
        >>> sum(p.numel() for p in network.parameters())
        9266
    """

    width: Count = 32
    depth: Count = 3

    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        """See `Architecture.build`."""
        left = size >> self.depth
        if left < 1:
            raise PlanError(
                f"model.depth = {self.depth} needs pictures of at least {1 << self.depth} pixels, these have {size}. "
                "Choose a smaller model.depth or a larger picture.size."
            )
        widths = [channels, *(self.width << block for block in range(self.depth))]
        blocks = [_block(n, m) for n, m in pairwise(widths)]
        return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(widths[-1] * left * left, classes))


def _block(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
