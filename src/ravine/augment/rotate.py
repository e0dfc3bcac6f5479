"""Rotate: pictures turned about their centres."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ravine.augment.augmentation import Augmentation
from ravine.augment.pixels import Border, Shade
from ravine.augment.warp import warp
from ravine.base.ranges import Hyper, Range
from ravine.moments import Samples


@dataclass(frozen=True)
class Rotate(Augmentation):
    """Rotate.

        y(u) = x(R(φ)·u)        φ ~ uniform on [−a, a], one a picture and epoch; u: a place, from the centre

    Pixels are read between four others (bilinear), which blurs a little.

    Helps where the camera or the thing may be tilted: pictures from above, microscopy (a = 180), hand writing (a = 10).
    Destroys labels by large angles: 6 and 9, arrows, letters such as N and Z; harms where all pictures stand upright.

    Suggested degrees: 10 to 15; 180 only where no direction is up.

    Source: Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
    Analysis", 2003, section 2.

    Attributes:
        degrees: a, in [0, 180].
        border: What lies outside: the picture's reflection, or one constant.
        value: The constant, 0 to 255.
    """

    degrees: Annotated[Hyper, Range(0, 180)] = 10.0
    border: Border = "reflect"
    value: Shade = 0.0

    def augment(self, samples: Samples) -> Samples:
        """Every picture turned."""
        angles = torch.deg2rad((2 * self.uniform(samples, 1)[0] - 1) * self.strength("degrees"))
        return samples.with_images(rotate(samples.images, angles, self.border, self.strength("value")))


def rotate(images: Tensor, angles: Tensor, border: Border = "reflect", value: float = 0.0) -> Tensor:
    """Turn pictures counter-clockwise.

    Args:
        images: [N, H, W, C].
        angles: Radians, float32 [N].
        border: What lies outside.
        value: The constant, 0 to 255.

    Example:
        >>> picture = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, ..., None]
        >>> rotate(picture, torch.tensor([torch.pi / 2])).round().squeeze()
        tensor([[2., 4.],
                [1., 3.]])
    """
    cos, sin = angles.cos(), angles.sin()
    return warp(images, torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2), border, value)
