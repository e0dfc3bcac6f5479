"""Pixels from 0 to 255: what lies outside a picture, and how computed numbers become pixels again."""

from typing import Annotated, Literal

import numpy as np
import torch
from torch import Tensor

from ravine.base.ranges import Hyper, Range

WHITE = 255

Border = Literal["reflect", "constant"]
"""What lies outside a picture."""

Shade = Annotated[Hyper, Range(0, WHITE)]
"""One value for the pixels of all channels."""


def as_pixels(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Numbers of any size as pixels from 0 to 255; the values are overwritten.

    Args:
        values: Float32.
        dtype: uint8, and numbers are rounded to the nearest; or float32.

    Example:
        >>> as_pixels(torch.tensor([-3.0, 7.6, 300.0]), torch.uint8)
        tensor([  0,   8, 255], dtype=torch.uint8)
    """
    values.clamp_(0, WHITE)
    if values.dtype == dtype:
        return values
    if values.device.type == "cpu":
        return torch.from_numpy(values.round_().numpy().astype(np.uint8))  # a sixth of the time that torch takes
    return values.round_().to(dtype)
