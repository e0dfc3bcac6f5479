"""What the frozen stages of a body say of each picture, computed once and gathered like pixels from then on."""

import tempfile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.base.errors import TrainingError
from ravine.data.audit import Audit
from ravine.data.pack import cache_directory
from ravine.data.placement import SHARE
from ravine.data.preprocess import Preprocess
from ravine.data.workers import Advance
from ravine.device.available import available_bytes
from ravine.train.evaluate import shares


def prefix_maps(
    prefix: nn.Module,
    audit: Audit,
    rows: NDArray[np.int64],
    picture: Preprocess,
    advance: Advance | None = None,
) -> NDArray[np.float16]:
    """The maps of pictures, resized without rounding, float16 [n, H, W, C]; where the packs lie if memory is short.

    Args:
        prefix: From pictures [n, 3, S, S] to maps [n, C, H, W], in evaluation mode.
        audit: The pictures.
        rows: Which of them, at least one.
        picture: How pixels become tensors.
        advance: Called with the number of pictures done.

    Raises:
        TrainingError: The maps hold numbers that are not finite, or beyond the range of float16.
    """
    device = next((one.device for one in prefix.parameters()), torch.device("cpu"))
    table: NDArray[np.float16] | None = None
    done = 0

    def half(pictures: Tensor) -> Tensor:
        return prefix(pictures).movedim(1, -1).to(torch.float16)

    for maps in shares(half, audit.pixels, rows, picture, device, advance):
        if not np.isfinite(maps).all():
            raise TrainingError(
                "The frozen stages of the body give numbers that float16 cannot hold. Choose transfer=all, or another "
                "backbone."
            )
        table = _room((len(rows), *maps.shape[1:])) if table is None else table
        table[done : done + len(maps)] = maps
        done += len(maps)
    return np.empty((0, 1, 1, 1), np.float16) if table is None else table


def _room(shape: tuple[int, ...]) -> NDArray[np.float16]:
    """Memory for the maps; where they are large, in a file without a name, which goes when it is no longer used."""
    free = available_bytes("cpu")
    if free is None or 2 * np.prod(shape, dtype=np.int64) <= SHARE * free:
        return np.empty(shape, np.float16)
    place = cache_directory()
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=place) as file:
        return np.memmap(file, np.float16, "w+", shape=shape)
