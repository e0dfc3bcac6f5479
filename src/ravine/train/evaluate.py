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
from ravine.data.workers import Advance, in_threads, silent

CHUNK_BYTES = 10_000_000
"""Float pixels of one chunk: 16 colour pictures of 224 pixels, which was faster than 32."""

SHARE_BYTES = 2_500_000
"""The same for one core by itself: 4 such pictures. On two cores EfficientNet-Lite0 answered 102 to 110 a second, of
which each core had shares of its own, and 62 to 70 where both computed each chunk together."""

Pixels = Callable[[int], NDArray[np.uint8]]
"""Gives a picture uint8 [H, W, 3] by its number."""


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
    for part in _chunks(indices, picture, CHUNK_BYTES // networks):
        rows = images.index_select(0, torch.from_numpy(part).to(images.device))
        yield _laid_out(picture.normalise(channels_first(rows)).to(dtype))


def direct(
    pixels: Pixels,
    indices: NDArray[np.int64],
    picture: Preprocess,
    device: torch.device | str = "cpu",
    advance: Advance | None = None,
) -> Iterator[Tensor]:
    """Resize pictures without rounding, as `predict` does, in the order of the indices.

    Args:
        pixels: Gives a picture uint8 [H, W, 3] by its number.
        indices: Which pictures.
        picture: How pixels become tensors.
        device: Where the network is.
        advance: Called with the number of pictures done.
    """
    for part in _chunks(indices, picture, CHUNK_BYTES):
        yield _read(pixels, part, picture, device)
        if advance:
            advance(len(part))


def shares(
    answer: Callable[[Tensor], Tensor],
    pixels: Pixels,
    indices: NDArray[np.int64],
    picture: Preprocess,
    device: torch.device | str = "cpu",
    advance: Advance | None = None,
) -> Iterator[NDArray[np.floating]]:
    """What a network says of pictures, read as by `direct`; each core reads and computes shares of its own.

    What is said of a picture does not depend on the number of cores.

    Args:
        answer: From float pictures [n, C, S, S] to answers [n, …]; several threads call it at the same time.
        pixels: Gives a picture uint8 [H, W, 3] by its number.
        indices: Which pictures.
        picture: How pixels become tensors.
        device: Where the network is.
        advance: Called with the number of pictures done.

    Yields:
        Answers to some pictures, in the order of the indices.
    """
    parts = list(_shares(indices, picture, device))

    def said(place: int) -> NDArray[np.floating]:
        with torch.inference_mode():
            return answer(_read(pixels, parts[place], picture, device)).cpu().numpy()

    for part, values in zip(parts, in_threads(said, len(parts), _readers(device)), strict=True):
        yield values
        (advance or silent)(len(part))


def first_share(
    pixels: Pixels, indices: NDArray[np.int64], picture: Preprocess, device: torch.device | str = "cpu"
) -> Tensor:
    """The pictures that one core reads first."""
    return _read(pixels, next(_shares(indices, picture, device)), picture, device)


def _readers(device: torch.device | str) -> int:
    """All cores of a CPU; for a GPU two threads, one that reads while the other waits for it."""
    return torch.get_num_threads() if torch.device(device).type == "cpu" else 2


def _read(pixels: Pixels, part: NDArray[np.int64], picture: Preprocess, device: torch.device | str) -> Tensor:
    return _laid_out(picture([pixels(int(index)) for index in part]).to(device))


def _laid_out(pixels: Tensor) -> Tensor:
    """Channels last in memory: convolutions of EfficientNet-Lite0 ran 2.3 times as fast on a CPU as channels first."""
    return pixels.contiguous(memory_format=torch.channels_last)


def chunk_of(picture: Reading, networks: int = 1) -> int:
    """The most pictures that `packed` reads at a time."""
    return _most(picture, CHUNK_BYTES // networks)


def _most(picture: Reading, float_bytes: int) -> int:
    return max(1, min(1024, float_bytes // (4 * math.prod(picture.shape))))


def _shares(indices: NDArray[np.int64], picture: Reading, device: torch.device | str) -> Iterator[NDArray[np.int64]]:
    return _chunks(indices, picture, SHARE_BYTES if torch.device(device).type == "cpu" else CHUNK_BYTES)


def _chunks(indices: NDArray[np.int64], picture: Reading, float_bytes: int) -> Iterator[NDArray[np.int64]]:
    step = _most(picture, float_bytes)
    for start in range(0, len(indices), step):
        yield indices[start : start + step]
