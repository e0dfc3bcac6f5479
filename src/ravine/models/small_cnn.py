"""Small convolution network for pictures up to 64 pixels: blocks of convolution, pooling, batch norm and ReLU.

Pooling comes before batch norm and ReLU: the maximum commutes with ReLU, and what follows has a quarter of the work.
"""

from dataclasses import dataclass

from torch import nn

from ravine.base.ranges import Count
from ravine.models.architecture import Architecture
from ravine.moments import Site

LEFT = 8
"""Pixels that are left at the end: a block halves the picture only while it is larger."""


@dataclass(frozen=True)
class SmallCNN(Architecture):
    """Each block doubles the channels, and halves the picture while it has more than 8 pixels; a linear layer follows.

    Attributes:
        width: Channels of the first block, at least 1.
        depth: Blocks, at least 1.

    Example:
        >>> network = SmallCNN(width=16, depth=3).build(channels=1, size=28, classes=10)
        >>> sum(p.numel() for p in network.parameters())
        54778
    """

    width: Count = 24
    depth: Count = 3

    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        """See `Architecture.build`."""
        blocks = []
        for block in range(self.depth):
            halve = size > LEFT
            outputs = self.width << block
            blocks.append(_block(channels, outputs, halve))
            channels, size = outputs, size // 2 if halve else size
        features = channels * size * size
        return nn.Sequential(Site("input"), *blocks, nn.Flatten(), Site("before_head"), nn.Linear(features, classes))


def _block(inputs: int, outputs: int, halve: bool) -> nn.Module:
    pool = [nn.MaxPool2d(2)] if halve else []
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        *pool,
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        Site("after_block"),
    )
