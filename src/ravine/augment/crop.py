"""Crop: pictures padded and cropped to their size again, which shifts them; or cut out of larger ones."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import pad

from ravine.augment.augmentation import Augmentation
from ravine.augment.pixels import Border, Shade
from ravine.base.ranges import Hyper, Range
from ravine.moments import Samples

MOST_COLUMNS = 8
"""On each side, that are copied one by one, over all pictures and rows, which is faster where they are few."""


@dataclass(frozen=True)
class Crop(Augmentation):
    """Crop.

        y[i, j] = x[i − d, j − r]        d, r ~ whole numbers from −s to s pixels, one pair a picture and epoch

    That is a pad by s pixels on each side and a crop to the size before, at random. What comes in from outside is the
    picture's reflection (the border itself is not repeated), or one constant value.

    Helps wherever a shift by s keeps the label, which it nearly always does; the most reliable augmentation for small
    pictures. Destroys labels that lie at the border and are cut, or that are a place in the picture. Reflection suits
    photos; `constant` suits pictures on one background colour, and should be that colour.

    Suggested share: 0.125, as 4 of 32 pixels.

    Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016, section 4.2 (4 pixels of zeros
    on 32); reflection as in Zagoruyko and Komodakis, "Wide Residual Networks", 2016, section 3.

    Attributes:
        share: s in sides of the picture, rounded to pixels, in [0, 0.5].
        border: What comes in from outside.
        value: The constant, 0 to 255.
    """

    share: Annotated[Hyper, Range(0, 0.5)] = 0.125
    border: Border = "reflect"
    value: Shade = 0.0

    def augment(self, samples: Samples) -> Samples:
        """Every picture shifted."""
        most = [min(round(self.strength("share") * side), side - 1) for side in samples.images.shape[1:3]]
        down, right = (
            (uniform * (2 * pixels + 1)).long() - pixels
            for uniform, pixels in zip(self.uniform(samples, 2), most, strict=True)
        )
        value = self.strength("value")
        return samples.with_images(shift(samples.images, down, right, self.border, value, margin=most[1]))


def shift(
    images: Tensor,
    down: Tensor,
    right: Tensor,
    border: Border = "reflect",
    value: float = 0.0,
    *,
    margin: int | None = None,
) -> Tensor:
    """Shift pictures by whole pixels.

    Args:
        images: [N, H, W, C].
        down: Pixels, int64 [N], above −H and below H.
        right: Pixels, int64 [N], above −W and below W.
        border: What comes in from outside.
        value: The constant; rounded for whole-numbered pixels.
        margin: Pixels, below W; no shift to a side is larger. W − 1 if not given; time grows with it.

    Example:
        >>> picture = torch.tensor([1, 2, 3, 4]).reshape(1, 1, 4, 1)
        >>> shift(picture, torch.tensor([0]), torch.tensor([2])).flatten().tolist()
        [3, 2, 1, 2]
        >>> shift(picture, torch.tensor([0]), torch.tensor([-1]), "constant", 9).flatten().tolist()
        [2, 3, 4, 9]
    """
    height, width = images.shape[1:3]
    margin = width - 1 if margin is None else margin
    rows = torch.arange(height, device=images.device) - down[:, None]
    if border == "reflect":
        last = height - 1
        rows = last - (last - rows.abs()).abs()
        wide = _reflected(images, margin)
    else:
        value = value if images.is_floating_point() else round(value)
        wide = pad(images, (0, 0, margin, margin, 0, 1), value=value)
        rows = torch.where((rows < 0) | (rows >= height), height, rows)
    return _picked(wide, torch.arange(len(images), device=images.device), rows, margin - right, width)


def _reflected(images: Tensor, margin: int) -> Tensor:
    """Pictures with their reflections on the left and on the right, [N, H, margin + W + margin, C]."""
    width = images.shape[2]
    if margin > MOST_COLUMNS or images.device.type != "cpu":
        left, right = images[:, :, 1 : margin + 1].flip(2), images[:, :, width - 1 - margin : width - 1].flip(2)
        return torch.cat([left, images, right], dim=2)
    wide = images.new_empty(*images.shape[:2], width + 2 * margin, images.shape[3])
    wide[:, :, margin : margin + width] = images
    for step in range(1, margin + 1):
        wide[:, :, margin - step] = images[:, :, step]
        wide[:, :, margin + width - 1 + step] = images[:, :, width - 1 - step]
    return wide


def cut(images: Tensor, top: Tensor, left: Tensor, size: tuple[int, int], pictures: Tensor | None = None) -> Tensor:
    """Cut a part of one size out of each picture, such as 224 × 224 pixels out of 256 × 256.

    Args:
        images: [M, H, W, C], in one piece of memory; a whole pack, mapped from its file, will do.
        top: First row of each part, int64 [N], from 0 to H − h.
        left: First column of each part, int64 [N], from 0 to W − w.
        size: h and w, pixels.
        pictures: Which pictures, int64 [N]; all in order if not given. Nothing else is read.

    Returns:
        [N, h, w, C].

    Example:
        >>> picture = torch.arange(12).reshape(1, 3, 4, 1)
        >>> cut(picture, torch.tensor([1]), torch.tensor([2]), (2, 2)).flatten().tolist()
        [6, 7, 10, 11]
    """
    if pictures is None:
        pictures = torch.arange(len(images), device=images.device)
    rows = top[:, None] + torch.arange(size[0], device=images.device)
    return _picked(images, pictures, rows, left, size[1])


def _picked(images: Tensor, pictures: Tensor, rows: Tensor, left: Tensor, width: int) -> Tensor:
    """Rows [N, h] of pictures [N] from columns left [N] on, with one gather of contiguous bytes for the batch."""
    _, height, whole, channels = images.shape
    length = width * channels
    starts = ((pictures[:, None] * height + rows) * whole + left[:, None]) * channels
    lines = images.contiguous().as_strided((images.numel() - length + 1, length), (1, 1))
    return lines.index_select(0, starts.flatten()).view(*rows.shape, width, channels)
