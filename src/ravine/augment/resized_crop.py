"""Resized crop: a part of each picture, brought to the size of the whole."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ravine.augment.augmentation import Augmentation
from ravine.base.ranges import Hyper, Range
from ravine.moments import Samples


@dataclass(frozen=True)
class ResizedCrop(Augmentation):
    """Random resized crop.

        a ~ uniform on [smallest, 1]                 area, a share of the picture's
        ln q ~ uniform on [−ln Q, ln Q], Q = min(aspect, 1/a)
        part: √(a·q)·W wide, √(a/q)·H high, rounded to pixels, anywhere inside; resized to W × H, bilinear

    One part a picture and epoch. A part is never larger than the result, so that this is always magnification:
    antialiasing, which matters when pictures become smaller, would change nothing. Pictures lose sharpness; it is best
    to store them a little larger than the things in them need.

    Helps with photos, where things stand anywhere and at any distance; the main augmentation for large data sets.
    Destroys labels where a small area misses the thing, or where size or aspect is what matters.

    Suggested smallest: 0.08 for a million photos and long training, 0.35 to 0.6 for some thousands, 0.7 for 28 pixels.

    Source: Szegedy et al., "Going Deeper with Convolutions", 2015, section 6, as random resized crop in torchvision.
    There a part that does not fit is drawn again, at most ten times; here Q keeps every part inside, so that the area
    is distributed as said.

    Attributes:
        smallest: Smallest area, a share of the picture's, in (0, 1].
        aspect: Largest ratio of the part's aspect to the picture's, or the inverse, in [1, 4].
    """

    smallest: Annotated[Hyper, Range(0, 1, low_open=True)] = 0.5
    aspect: Annotated[Hyper, Range(1, 4)] = 4 / 3

    def augment(self, samples: Samples) -> Samples:
        """Every picture replaced by a part."""
        height, width = samples.images.shape[1:3]
        boxes = part(self.uniform(samples, 4), self.strength("smallest"), self.strength("aspect"), height, width)
        return samples.with_images(resized_crop(samples.images, boxes))


def part(uniform: Tensor, smallest: float, aspect: float, height: int, width: int) -> Tensor:
    """Random parts of pictures.

    Args:
        uniform: In [0, 1), [4, N].
        smallest: Smallest area, a share of the picture's.
        aspect: Largest ratio of aspects.
        height: Of the pictures.
        width: Of the pictures.

    Returns:
        First row, first column, rows and columns of each part, int64 [N, 4].
    """
    area, ratio, down, right = uniform.double()
    area = smallest + (1 - smallest) * area
    q = torch.exp((2 * ratio - 1) * torch.minimum(torch.full_like(area, math.log(aspect)), -area.log()))
    rows = (height * (area / q).sqrt()).round().clamp(1, height)
    columns = (width * (area * q).sqrt()).round().clamp(1, width)
    return torch.stack([down * (height - rows + 1), right * (width - columns + 1), rows, columns], dim=1).long()


def resized_crop(images: Tensor, boxes: Tensor) -> Tensor:
    """Bring a part of each picture to the size of the whole.

    Picture by picture: bytes are resized with the processor's wide instructions, which at 224 pixels takes a tenth of
    the time of one interpolation in floating point for the batch.

    Args:
        images: [N, H, W, C].
        boxes: First row, first column, rows and columns of each part, int64 [N, 4].

    Example:
        >>> picture = torch.tensor([10.0, 20.0, 30.0, 40.0]).reshape(1, 1, 4, 1)
        >>> resized_crop(picture, torch.tensor([[0, 1, 1, 2]])).flatten().tolist()
        [20.0, 22.5, 27.5, 30.0]
    """
    size = images.shape[1:3]
    result = torch.empty_like(images)
    for whole, target, (row, column, rows, columns) in zip(images, result, boxes.tolist(), strict=True):
        chosen = whole[row : row + rows, column : column + columns].movedim(-1, 0)[None]
        target.copy_(interpolate(chosen, size, mode="bilinear", align_corners=False)[0].movedim(0, -1))
    return result
