"""Cutout: a square of each picture is erased."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ravine.augment.augmentation import Augmentation
from ravine.augment.pixels import Shade, as_pixels
from ravine.base.ranges import Fraction
from ravine.moments import Samples


@dataclass(frozen=True)
class Cutout(Augmentation):
    """Cutout.

        y = fill inside a square of side s about a pixel of the picture, x outside

    The centre is any pixel alike; the part of the square beyond the border is lost, so that pictures lose different
    areas, at least a quarter of s².

    Helps networks that rest on one part of a thing, most where training is long and pictures are small. Destroys the
    label where the thing is smaller than the square, and where a small detail decides.

    Suggested side: 0.5 for a few coarse classes (16 of 32 pixels for CIFAR-10), 0.25 for many finer ones (8 of 32 for
    CIFAR-100).

    Source: DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017, section 3.
    There the fill is zero after normalisation, the mean of all pictures; `mean` here is each picture's own.

    Attributes:
        side: s, a share of the shorter side, rounded to pixels, in [0, 1].
        fill: The picture's mean in each channel, or one constant.
        value: The constant, 0 to 255.
    """

    side: Fraction = 0.3
    fill: Literal["mean", "constant"] = "mean"
    value: Shade = 0.0

    def augment(self, samples: Samples) -> Samples:
        """A square erased."""
        images = samples.images
        height, width = images.shape[1:3]
        side = round(self.strength("side") * min(height, width))
        if not side:
            return samples
        row, column = self.uniform(samples, 2)
        return samples.with_images(
            cutout(images, (row * height).long(), (column * width).long(), side, self._fill(images))
        )

    def _fill(self, images: Tensor) -> Tensor:
        if self.fill == "mean":
            values = images.float().mean((1, 2))
        else:
            values = torch.full((len(images), images.shape[-1]), self.strength("value"), device=images.device)
        return as_pixels(values, images.dtype)


def cutout(images: Tensor, row: Tensor, column: Tensor, side: int, fill: Tensor) -> Tensor:
    """Erase a square of each picture.

    Args:
        images: [N, H, W, C].
        row: int64 [N], of the square's centre; with an even side, of the pixel below the centre.
        column: int64 [N], likewise.
        side: Pixels, at least 1.
        fill: [N, C], of the dtype of the pictures.

    Example:
        >>> picture, first = torch.tensor([1, 2, 3, 4]).reshape(1, 1, 4, 1), torch.tensor([0])
        >>> cutout(picture, first, torch.tensor([1]), 2, torch.tensor([[7]])).flatten().tolist()
        [7, 7, 3, 4]
    """
    count, height, width, _ = images.shape
    square = torch.arange(side, device=images.device) - side // 2
    picture = torch.arange(count, device=images.device)
    rows = (row[:, None] + square).clamp(0, height - 1)
    columns = (column[:, None] + square).clamp(0, width - 1)
    result = images.clone()
    result[picture[:, None, None], rows[:, :, None], columns[:, None, :]] = fill[:, None, None]
    return result
