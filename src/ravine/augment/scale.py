"""Scale: pictures magnified or reduced about their centres."""

import math
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
class Scale(Augmentation):
    """Scale.

        y(u) = x(u / s)        ln s ~ uniform on [−ln m, ln m], one a picture and epoch; u: a place, from the centre

    Things become up to m times as large or as small; the size of the picture stays. `ResizedCrop` only magnifies, but a
    part from anywhere, with its aspect changed.

    Helps where the distance to things varies. Destroys labels that mean a size, such as one of two nuts of one form.

    Suggested m: 1.1 to 1.25. Up to 2, no pixel is missed when things become smaller.

    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015, section
    3.1 (scale jittering, there by resizing photos that are larger than the input).

    Attributes:
        most: m, in [1, 2].
        border: What lies outside: the picture's reflection, or one constant.
        value: The constant, 0 to 255.
    """

    most: Annotated[Hyper, Range(1, 2)] = 1.15
    border: Border = "reflect"
    value: Shade = 0.0

    def augment(self, samples: Samples) -> Samples:
        """Every picture magnified or reduced."""
        factors = torch.exp((2 * self.uniform(samples, 1)[0] - 1) * math.log(self.strength("most")))
        return samples.with_images(scale(samples.images, factors, self.border, self.strength("value")))


def scale(images: Tensor, factors: Tensor, border: Border = "reflect", value: float = 0.0) -> Tensor:
    """Magnify or reduce pictures.

    Args:
        images: [N, H, W, C].
        factors: s, float32 [N]; above 1 magnifies.
        border: What lies outside.
        value: The constant, 0 to 255.

    Example:
        >>> picture = torch.tensor([10.0, 20.0, 30.0, 40.0]).reshape(1, 1, 4, 1)
        >>> scale(picture, torch.tensor([2.0])).flatten().tolist()
        [17.5, 22.5, 27.5, 32.5]
    """
    return warp(images, torch.eye(2, device=images.device) / factors[:, None, None], border, value)
