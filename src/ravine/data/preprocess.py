"""The one place where pixels become what a network reads."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ravine.base.errors import PlanError
from ravine.base.ranges import Count
from ravine.interfaces import Part

_CROP_SHARE = 0.875  # of the shorter side, as in the evaluation of most ImageNet networks: 224 of 256
_WHITE = 255.0
_CHUNK_BYTES = 1 << 26


@dataclass(frozen=True)
class Preprocess(Part):
    """How a picture of any size becomes a tensor [C, S, S].

    Attributes:
        size: S, pixels.
        channels: 1 for grey (ITU-R BT.601 luma), 3 for RGB.
        fit: ``squash`` stretches the picture to the square; ``crop`` brings the shorter side to size / 0.875 and cuts
            out the centre; ``letterbox`` brings the longer side to size and fills up with white. A picture that is S×S
            already stays as it is.
        interpolation: How pixels are resized; always antialiased.
        mean: What is subtracted from each channel, on the scale from 0 to 1; one number, or one a channel.
        std: What each channel is then divided by.

    Example:
        >>> grey = Preprocess(size=28, channels=1, mean=(0.5,), std=(0.25,))
        >>> grey([np.zeros((60, 50, 3), np.uint8)])[0, 0, 0, 0]
        tensor(-2.)
    """

    size: Count
    channels: Literal[1, 3]
    fit: Literal["squash", "crop", "letterbox"] = "squash"
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "mean", tuple(map(float, self.mean)))
        object.__setattr__(self, "std", tuple(map(float, self.std)))
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels):
                raise PlanError(f"Preprocess.{name} = {values} must hold one number, or one a channel.")
            if not all(map(math.isfinite, values)):
                raise PlanError(f"Preprocess.{name} = {values} is outside its range. Choose finite numbers.")
        if min(self.std) <= 0:
            raise PlanError(f"Preprocess.std = {self.std} is outside its range. Choose numbers above 0.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, S, S."""
        return self.channels, self.size, self.size

    def __call__(self, images: Sequence[np.ndarray] | np.ndarray) -> Tensor:
        """What the network reads, float32 [N, C, S, S]; see `pixels`."""
        return self.normalise(self.pixels(images))

    def pixels(self, images: Sequence[np.ndarray] | np.ndarray) -> Tensor:
        """Resize pictures, without rounding.

        Args:
            images: N arrays, uint8 [H, W, 3], of any sizes; or one array [N, H, W, 3].

        Returns:
            float32 [N, C, S, S], 0 to 255. Equal channels stay equal, and a grey picture in one channel holds exactly
            its own values.
        """
        result = torch.empty(len(images), self.channels, self.size, self.size)
        shapes: dict[tuple[int, ...], list[int]] = {}
        for number, image in enumerate(images):
            shapes.setdefault(image.shape, []).append(number)
        for shape, numbers in shapes.items():
            step = max(1, _CHUNK_BYTES // (4 * int(np.prod(shape))))
            for start in range(0, len(numbers), step):
                chosen = numbers[start : start + step]
                stack = np.stack([images[number] for number in chosen])
                result[chosen] = self.resize(self._laid_out(torch.from_numpy(stack).permute(0, 3, 1, 2)))
        return result

    def _laid_out(self, images: Tensor) -> Tensor:
        """Channels first in memory where torch then resizes faster, to the same bits: unless sides shrink to a half.

        A picture of 256 pixels took 0.8 ms instead of 1.1 ms to 224, one of 32 took 0.6 of the time to 64.
        """
        height, width = images.shape[-2:]
        rows, columns = self.inner_size(height, width)
        stays = (height, width) in ((rows, columns), (self.size, self.size))
        return images if stays or 4 * rows * columns <= height * width else images.contiguous()

    def resize(self, images: Tensor) -> Tensor:
        """Bring pictures of one size to S×S and to C channels; only operations that a graph can hold.

        Args:
            images: [N, 3, H, W] or [N, 1, H, W], uint8 or float, 0 to 255.

        Returns:
            float32 [N, C, S, S].
        """
        return self._fitted(self._channels(images.float()))

    def levels(self, images: Tensor) -> Tensor:
        """The same in whole levels, at most one level off; a quarter of the time where it is bilinear.

        Bicubic pixels are rounded from exact ones: torch's kernels for whole levels cut off what overshoots between
        rows and columns.

        Args:
            images: uint8 [N, 3, H, W] or [N, 1, H, W].

        Returns:
            uint8 [N, C, S, S]; equal to `resize` where the pictures have that size already.
        """
        if self.interpolation == "bicubic":
            return self.resize(images).round().byte()
        whole = images if images.shape[1] == 1 or self.channels == 3 else self._channels(images.float()).round_().byte()
        return self._fitted(whole.expand(-1, self.channels, -1, -1))

    def _fitted(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        if (height, width) == (self.size, self.size):
            return images
        rows, columns = self.inner_size(height, width)
        images = interpolate(images, (rows, columns), mode=self.interpolation, align_corners=False, antialias=True)
        if self.interpolation == "bicubic":
            images = images.clamp(0, 255)
        top, left = round((rows - self.size) / 2), round((columns - self.size) / 2)
        if self.fit == "crop":
            return images[..., top : top + self.size, left : left + self.size]
        below, right = self.size - rows + top, self.size - columns + left
        return pad(images, (-left, right, -top, below), value=_WHITE)

    def inner_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns after resizing, before a crop or a border."""
        if self.fit == "squash":
            return self.size, self.size
        if self.fit == "letterbox":
            scale = self.size / max(height, width)
            return max(1, round(height * scale)), max(1, round(width * scale))
        short = round(self.size / _CROP_SHARE)
        return short * height // min(height, width), short * width // min(height, width)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Bring pixels [..., C, H, S] from 0 … 255 to (x / 255 − mean) / std, in float32."""
        scale, shift = (torch.from_numpy(row).to(pixels.device).permute(2, 0, 1) for row in self._scale_and_shift)
        return torch.addcmul(shift, pixels.float(), scale)

    @cached_property
    def _scale_and_shift(self) -> tuple[np.ndarray, np.ndarray]:
        """Both [1, S, C], as a row of pictures [N, H, W, C], so that a processor computes it as one vector."""
        mean, std = (np.broadcast_to(values, (1, self.size, self.channels)) for values in (self.mean, self.std))
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)

    def _channels(self, images: Tensor) -> Tensor:
        if images.shape[1] == self.channels:
            return images
        if self.channels == 3:
            return images.expand(-1, 3, -1, -1)
        red, green, blue = images.split(1, dim=1)
        return green + 0.299 * (red - green) + 0.114 * (blue - green)  # exact where the channels are equal

    def to_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Preprocess":
        """Read what `to_json` wrote.

        Raises:
            PlanError: A value is missing, unknown or out of range.
        """
        try:
            return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})
        except (TypeError, KeyError) as failure:
            raise PlanError(f"These are no preprocessing choices: {values}.") from failure
