"""Pictures as a caller gives them: paths of files or folders, PIL images, or arrays; one, or several."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ravine.base.errors import SourceError
from ravine.data.sources import read_pictures

Picture = str | Path | Image.Image | NDArray[np.uint8]


def named(images: Iterable[Picture] | Picture) -> tuple[list[str], list[Any]]:
    """The name of each picture, and what `ravine.data.decode.decode` reads.

    Args:
        images: Paths of pictures or folders, PIL images, or uint8 arrays [H, W] or [H, W, 3]; one, or several.

    Returns:
        Paths, or places in the list where no path was given; and the pictures.

    Raises:
        SourceError: There are none, or a path does not exist.
    """
    names: list[str] = []
    pictures: list[Any] = []
    for number, picture in enumerate(_several(images)):
        if isinstance(picture, str | Path):
            items = read_pictures([picture])
            names += [item.name for item in items]
            pictures += [item.picture for item in items]
        else:
            names.append(str(number))
            pictures.append(picture)
    if not pictures:
        raise SourceError("There are no pictures to predict. Give paths, PIL images or uint8 arrays.")
    return names, pictures


def _several(images: Iterable[Picture] | Picture) -> Iterable[Any]:
    if isinstance(images, str | Path | Image.Image):
        return [images]
    if isinstance(images, np.ndarray) and (images.ndim == 2 or (images.ndim == 3 and images.shape[-1] in (1, 3, 4))):
        return [images]
    return images
