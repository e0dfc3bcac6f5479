"""Batches in an order that depends on seed and epoch alone, so that any of them can be fetched at any time."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ravine.base.seeds import numpy_generator

Order = Callable[[int], np.ndarray | None]


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """The order of ``count`` pictures in an epoch, int64.

    Example:
        >>> sorted(order(0, 3, 5).tolist())
        [0, 1, 2, 3, 4]
    """
    return numpy_generator(seed, "order", epoch).permutation(count)


def batches_of(pictures: int, batch_size: int) -> int:
    """How many batches an epoch of so many pictures has; see `Batches`.

    Example:
        >>> batches_of(10, 4), batches_of(9, 4), batches_of(1, 4)
        (3, 2, 1)
    """
    whole, rest = divmod(pictures, batch_size)
    return whole + (rest > 1 or (whole == 0 and rest == 1))


class Batch(NamedTuple):
    """Pictures of S streams; or several batches that follow one another, a block of N pictures in all.

    Attributes:
        images: uint8 [S, N, H, W, C].
        labels: int64 [S, N].
        rows: int64 [S, N], the numbers of the pictures.
        keys: int64 [S, N], the same; or, where a picture may come several times in an epoch, places in its order.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor
    keys: Tensor

    def part(self, places: slice) -> "Batch":
        """Some pictures of each stream, such as one batch of a block; views of the same memory."""
        return Batch(*(values[:, places] for values in self))


class Batches:
    """The batches of S streams over the same pictures, each in its own order.

    An epoch holds each picture once, unless `orders` say otherwise, except that a last batch of a single picture is
    left out (batch norm needs two). The last batch may be shorter than the others.

    Example:
        >>> images, labels = np.zeros((10, 4, 4, 1), np.uint8), np.arange(10)
        >>> batches = Batches(images, labels, np.arange(10), batch_size=4, seeds=(0, 1))
        >>> len(batches), batches.at(epoch=0, batch=2).labels.shape
        (3, torch.Size([2, 2]))
    """

    def __init__(
        self,
        images: np.ndarray | Tensor,
        labels: np.ndarray | Tensor,
        indices: np.ndarray,
        *,
        batch_size: int,
        seeds: Sequence[int],
        orders: Sequence[Order] | None = None,
    ) -> None:
        """Refer to pictures; nothing is copied.

        Args:
            images: uint8 [M, H, W, C]; a tensor may live on any device, and batches are gathered there.
            labels: int64 [M].
            indices: int64, the pictures of an epoch.
            batch_size: N, pictures a batch.
            seeds: S seeds, one a stream.
            orders: For each stream, from an epoch to positions in `indices`, as many as there are; where it gives None,
                or is left out, each picture comes once, in the order of seed and epoch.
        """
        self.images = torch.as_tensor(images)
        self.labels = torch.as_tensor(labels)
        self.indices = np.asarray(indices, np.int64)
        self.batch_size = batch_size
        self.seeds = tuple(seeds)
        self._orders = orders
        self._epoch = lru_cache(maxsize=2 * len(self.seeds))(self._epoch_of)

    def __len__(self) -> int:
        """Batches an epoch."""
        return batches_of(len(self.indices), self.batch_size)

    def rows(self, epoch: int, batch: int, count: int = 1) -> np.ndarray:
        """The numbers of the pictures of one batch, or of so many from it on, int64 [S, N]."""
        if not 0 <= batch <= len(self) - count:
            raise IndexError(f"batch {batch + count - 1} of {len(self)}")
        places = slice(batch * self.batch_size, (batch + count) * self.batch_size)
        return np.stack([self.indices[self._epoch(stream, epoch)[0][places]] for stream in range(len(self.seeds))])

    def keys(self, epoch: int, batch: int, rows: Tensor) -> Tensor:
        """The keys of a batch, or of some from it on, with these rows [S, N]; see `Batch`."""
        repeats = [self._epoch(stream, epoch)[1] for stream in range(len(self.seeds))]
        if not any(repeats):
            return rows
        first = batch * self.batch_size
        return torch.where(torch.tensor(repeats)[:, None], torch.arange(first, first + rows.shape[1]), rows)

    def at(self, epoch: int, batch: int) -> Batch:
        """One batch of every stream, gathered."""
        rows = torch.from_numpy(self.rows(epoch, batch))
        return Batch(gather(self.images, rows), gather(self.labels, rows), rows, self.keys(epoch, batch, rows))

    def _epoch_of(self, stream: int, epoch: int) -> tuple[np.ndarray, bool]:
        """The places of an epoch, and whether one may come several times."""
        own = self._orders[stream](epoch) if self._orders else None
        return (order(self.seeds[stream], epoch, len(self.indices)), False) if own is None else (own, True)


def gather(values: Tensor, rows: Tensor) -> Tensor:
    """Pick rows [S, N] of values [M, ...]: [S, N, ...], on the device of the values."""
    flat = values.index_select(0, rows.reshape(-1).to(values.device))
    return flat.reshape(*rows.shape, *values.shape[1:])


def channels_first(images: Tensor) -> Tensor:
    """View uint8 pictures [..., H, W, C] as [..., C, H, W]; the memory stays channels-last."""
    return images.movedim(-1, -3)
