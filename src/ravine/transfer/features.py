"""What a frozen body says of each picture, computed once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ravine.data.preprocess import Preprocess
from ravine.train.evaluate import direct, logits


def features(
    body: nn.Module,
    pixels: Callable[[int], NDArray[np.uint8]],
    indices: NDArray[np.int64],
    picture: Preprocess,
    advance: Callable[[int], object] | None = None,
) -> NDArray[np.float32]:
    """Features [N, D] of pictures, resized without rounding.

    Args:
        body: A pretrained network from [n, C, S, S] to [n, D].
        pixels: Gives a picture uint8 [H, W, 3] by its number.
        indices: Which pictures.
        picture: How pixels become tensors.
        advance: Called with the number of pictures done.
    """
    device = next(body.parameters()).device
    return logits(body, direct(pixels, indices, picture, device, advance))
