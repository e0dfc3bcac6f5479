"""What a network says of pictures: logits, from packed pixels or straight from the pictures themselves."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.data.batches import channels_first
from ravine.data.preprocess import Preprocess
from ravine.data.reading import Reading

CHUNK_BYTES = 10_000_000
"""Float pixels of one chunk: 16 colour pictures of 224 pixels, which was faster than 32."""


def logits(network: nn.Module, chunks: Iterable[Tensor]) -> NDArray[np.float32]:
    """The logits of a network in evaluation mode, [N, C].

    Args:
        network: From float pictures [n, C, S, S] to logits.
        chunks: Pictures, some at a time, already as the network reads them.
    """
    training = network.training
    network.eval()
    with torch.inference_mode():
        parts = [network(_at(network, chunk)).float().cpu().numpy() for chunk in chunks]
    network.train(training)
    return np.concatenate(parts)


def _at(network: nn.Module, chunk: Tensor) -> Tensor:
    """Pictures where the network is."""
    place = next(network.parameters(), chunk)
    return chunk.to(place.device)


def packed(
    images: Tensor,
    indices: NDArray[np.int64],
    picture: Reading,
    dtype: torch.dtype = torch.float32,
    networks: int = 1,
) -> Iterator[Tensor]:
    """Read rows of a pack as networks read them, some at a time, in the order of the indices.

    Args:
        images: The pack, uint8 [M, S, S, C].
        indices: Which rows.
        picture: How pixels become tensors.
        dtype: Of the networks.
        networks: How many of them read at the same time; the more, the fewer pictures.
    """
    for part in _chunks(indices, picture, networks):
        rows = images.index_select(0, torch.from_numpy(part).to(images.device))
        yield _laid_out(picture.normalise(channels_first(rows)).to(dtype))


def direct(
    pixels: Callable[[int], NDArray[np.uint8]],
    indices: NDArray[np.int64],
    picture: Preprocess,
    device: torch.device | str = "cpu",
    advance: Callable[[int], object] | None = None,
) -> Iterator[Tensor]:
    """Resize pictures without rounding, as `predict` does, in the order of the indices.

    Args:
        pixels: Gives a picture uint8 [H, W, 3] by its number.
        indices: Which pictures.
        picture: How pixels become tensors.
        device: Where the network is.
        advance: Called with the number of pictures done.
    """
    for part in _chunks(indices, picture):
        yield _laid_out(picture([pixels(int(index)) for index in part]).to(device))
        if advance:
            advance(len(part))


def _laid_out(pixels: Tensor) -> Tensor:
    """Channels last in memory: convolutions of EfficientNet-Lite0 ran 2.3 times as fast on a CPU as channels first."""
    return pixels.contiguous(memory_format=torch.channels_last)


def _chunks(indices: NDArray[np.int64], picture: Reading, networks: int = 1) -> Iterator[NDArray[np.int64]]:
    step = max(1, min(1024, CHUNK_BYTES // (4 * networks * math.prod(picture.shape))))
    for start in range(0, len(indices), step):
        yield indices[start : start + step]
