"""Test-time augmentation: several views of a picture, whose probabilities are averaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, pad

from ravine.base.errors import PlanError
from ravine.base.ranges import Range
from ravine.ensemble.committee import Committee
from ravine.ensemble.ensemble import Ensemble

View = tuple[int, int, bool]
"""Pixels down, pixels to the right, and whether it is mirrored left to right."""


@dataclass(frozen=True)
class Views(Ensemble):
    """Test-time augmentation.

        p(y | x) = (1/V)·Σᵥ softmax(f(gᵥ(x)))_y

    The views gᵥ are the picture itself and its shifts by d pixels up, down, left and right, where border pixels are
    repeated; and all of these mirrored. They are fixed, so that predictions repeat exactly.

    Helps a little, where the class does not change under the views and training has seen such views too; mirroring is
    wrong for digits and letters. Answering takes V times as long. Suggested: d = 1 for pictures of 28 pixels, 2 to 4
    for larger ones.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012,
    section 4.1, which averages the softmax over ten views: five shifts and their mirror images.

    Attributes:
        shift: d, in pixels; 0 for no shifts.
        mirror: Whether mirrored views are taken too.
    """

    shift: Annotated[int, Range(0)] = 1
    mirror: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.shift and not self.mirror:
            raise PlanError(
                "ensemble=test_time with shift=0 and mirror=false has one view only, the picture itself. Set "
                "ensemble.shift above 0, or ensemble.mirror=true."
            )

    def finish(self, network: nn.Module) -> nn.Module:
        """The network behind its views."""
        return MeanOverViews(network, views(self.shift, self.mirror))


def views(shift: int, mirror: bool) -> list[View]:
    """The picture itself, then its shifts, then their mirror images.

    Example:
        >>> views(0, mirror=True)
        [(0, 0, False), (0, 0, True)]
    """
    moves = [(0, 0), *([(-shift, 0), (shift, 0), (0, -shift), (0, shift)] if shift else [])]
    return [(down, right, mirrored) for mirrored in (False, True)[: 1 + mirror] for down, right in moves]


def seen(x: Tensor, view: View) -> Tensor:
    """A view of pictures [N, C, H, W], of the same size; what comes in from outside repeats the border.

    Example:
        >>> seen(torch.tensor([[[[1.0, 2.0, 3.0]]]]), (0, 1, False))
        tensor([[[[1., 1., 2.]]]])
    """
    down, right, mirrored = view
    if down or right:
        height, width = x.shape[-2:]
        wide = pad(x, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)), mode="replicate")
        top, left = max(-down, 0), max(-right, 0)
        x = wide[..., top : top + height, left : left + width]
    return x.flip(-1) if mirrored else x


class MeanOverViews(Committee):
    """The mean of a network's probabilities over views.

    Attributes:
        network: From pictures to logits.
        views: Which views.
    """

    def __init__(self, network: nn.Module, views: Sequence[View]) -> None:
        super().__init__([1 / len(views)] * len(views))
        self.network = network
        self.views = tuple(views)

    def members(self, x: Tensor) -> Tensor:
        """See `Committee.members`."""
        return torch.stack([log_softmax(self.network(seen(x, view)), dim=1) for view in self.views])
