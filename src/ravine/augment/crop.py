"""Crop: pictures padded and cropped to their size again, which shifts them."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ravine.augment.augmentation import Augmentation
from ravine.augment.pixels import Border, Shade
from ravine.base.ranges import Hyper, Range
from ravine.moments import Samples


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
        moves = self.uniform(samples, 2)
        down, right = (self._pixels(move, side) for move, side in zip(moves, samples.images.shape[1:3], strict=True))
        return samples.with_images(shift(samples.images, down, right, self.border, self.strength("value")))

    def _pixels(self, uniform: Tensor, side: int) -> Tensor:
        most = min(round(self.strength("share") * side), side - 1)
        return (uniform * (2 * most + 1)).long() - most


def shift(images: Tensor, down: Tensor, right: Tensor, border: Border = "reflect", value: float = 0.0) -> Tensor:
    """Shift pictures by whole pixels.

    Args:
        images: [N, H, W, C].
        down: Pixels, int64 [N], above −H and below H.
        right: Pixels, int64 [N], above −W and below W.
        border: What comes in from outside.
        value: The constant; rounded for whole-numbered pixels.

    Example:
        >>> picture = torch.tensor([1, 2, 3, 4]).reshape(1, 1, 4, 1)
        >>> shift(picture, torch.tensor([0]), torch.tensor([2])).flatten().tolist()
        [3, 2, 1, 2]
        >>> shift(picture, torch.tensor([0]), torch.tensor([-1]), "constant", 9).flatten().tolist()
        [2, 3, 4, 9]
    """
    height, width = images.shape[1:3]
    rows = torch.arange(height, device=images.device) - down[:, None]
    columns = torch.arange(width, device=images.device) - right[:, None]
    if border == "reflect":
        return _picked(images, _reflected(rows, height), _reflected(columns, width))
    moved = _picked(images, rows.clamp(0, height - 1), columns.clamp(0, width - 1))
    outside = _outside(rows, height)[:, :, None, None] | _outside(columns, width)[:, None, :, None]
    return moved.masked_fill(outside, value if images.is_floating_point() else round(value))


def _reflected(place: Tensor, side: int) -> Tensor:
    last = side - 1
    return last - (last - place.abs()).abs()


def _outside(place: Tensor, side: int) -> Tensor:
    return (place < 0) | (place >= side)


def _picked(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels at rows [N, H] and columns [N, W], with one gather for the batch."""
    count, height, width, channels = images.shape
    first = torch.arange(count, device=images.device)[:, None] * height
    places = (first + rows)[:, :, None] * width + columns[:, None]
    return images.reshape(-1, channels).index_select(0, places.flatten()).view(images.shape)
