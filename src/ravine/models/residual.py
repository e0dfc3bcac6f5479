"""Residual network for pictures up to 64 pixels: y = max(0, x + branch(x)), block after block.

A branch is convolution, batch norm, ReLU, convolution, batch norm; the ReLU of a block comes after the sum (the paper's
order, "post-activation"). A block that halves the picture has strides of 2, and a 1×1 convolution with batch norm
brings x to the new shape; elsewhere x passes unchanged.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016, section 4.2, with projections as
in option B.
"""

from dataclasses import dataclass

from torch import nn

from ravine.base.ranges import Count
from ravine.models.architecture import Architecture
from ravine.moments import Block, Site

LEFT = 8
"""Pixels that are left at the end: another stage follows while the picture is larger."""


@dataclass(frozen=True)
class Residual(Architecture):
    """Stages of residual blocks; each stage but the first doubles the channels and halves the picture.

    The first stage has the size of the picture; more follow until at most 8 pixels are left. Then comes the mean over
    all positions, and a linear layer.

    Attributes:
        width: Channels of the first stage, at least 1.
        blocks: Residual blocks in each stage, at least 1.

    Example:
        >>> network = Residual(width=8, blocks=2).build(channels=1, size=28, classes=10)
        >>> sum(isinstance(module, Block) for module in network), sum(p.numel() for p in network.parameters())
        (6, 44226)
    """

    width: Count = 16
    blocks: Count = 2

    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        """See `Architecture.build`."""
        outputs = self.width
        layers = [*_convolution(channels, outputs, 1), nn.ReLU(), *_stage(outputs, outputs, 1, self.blocks)]
        while size > LEFT:
            layers += _stage(outputs, 2 * outputs, 2, self.blocks)
            outputs, size = 2 * outputs, -(-size // 2)
        mean = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), Site("before_head"))
        return nn.Sequential(Site("input"), *layers, *mean, nn.Linear(outputs, classes))


def _stage(inputs: int, outputs: int, stride: int, blocks: int) -> list[nn.Module]:
    layers: list[nn.Module] = [_block(inputs, outputs, stride), Site("after_block")]
    for _ in range(blocks - 1):
        layers += [_block(outputs, outputs, 1), Site("after_block")]
    return layers


def _block(inputs: int, outputs: int, stride: int) -> Block:
    branch = nn.Sequential(*_convolution(inputs, outputs, stride), nn.ReLU(), *_convolution(outputs, outputs, 1))
    same = stride == 1 and inputs == outputs
    return Block(branch, nn.Identity() if same else nn.Sequential(*_convolution(inputs, outputs, stride, kernel=1)))


def _convolution(inputs: int, outputs: int, stride: int, kernel: int = 3) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]
