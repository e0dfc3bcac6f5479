"""Small pictures as data URIs, so that a page carries them within itself."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOSSLESS_SIDE = 64


def data_uri(picture: NDArray[np.uint8], side: int = 160) -> str:
    """Encode a picture, shrunk if it is larger than asked.

    Args:
        picture: uint8 [H, W, 3] colour, or [H, W] or [H, W, 1] grey.
        side: Longest side in pixels of what is encoded.

    Returns:
        ``data:image/png;base64,…`` for pictures of at most 64 pixels a side, which stay exact; JPEG otherwise.

    Example:
        >>> data_uri(np.zeros((28, 28), np.uint8))[:22]
        'data:image/png;base64,'
    """
    image = Image.fromarray(picture[..., 0] if picture.shape[2:] == (1,) else picture)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    kind = "png" if max(image.size) <= LOSSLESS_SIDE else "jpeg"
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=85, optimize=True)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
