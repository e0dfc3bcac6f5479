"""Inner products of rows that do not depend on which other rows stand beside them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def dots(a: Tensor, b: Tensor) -> Tensor:
    """Σⱼ aᵢⱼ bᵢⱼ, [k].

    A sum with a single result is split among threads, one with several is not; a lone row is therefore summed twice.
    """
    product = a * b
    return product.sum(1) if len(product) > 1 else product.expand(2, -1).sum(1)[:1]


def largest(a: Tensor) -> Tensor:
    """The greatest absolute entry of each row, [k]."""
    return torch.linalg.vector_norm(a, torch.inf, dim=1)


def on_host(*columns: Tensor) -> NDArray[np.float64]:
    """Vectors [k] as one float64 array [columns, k], in one transfer."""
    return torch.stack([column.to(torch.float64) for column in columns]).cpu().numpy()


def index(which: NDArray[np.bool_], device: torch.device) -> Tensor:
    """The positions of the true entries, int64, on a device."""
    return torch.from_numpy(np.flatnonzero(which)).to(device)


def survivors(ended: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The positions of those that have not ended, ordered so that as few as possible change place.

    Example:
        >>> survivors(np.array([False, True, False, False]))
        array([0, 3, 2])
    """
    order = np.arange(np.count_nonzero(~ended))
    beyond = np.flatnonzero(~ended[len(order) :]) + len(order)
    order[ended[: len(order)]] = beyond
    return order


def where_rows(which: NDArray[np.bool_], new: Tensor, old: Tensor) -> Tensor:
    """The rows of new for some members, the rows of old for the rest."""
    if which.all():
        return new
    return torch.where(torch.from_numpy(which).to(new.device)[:, None], new, old)
