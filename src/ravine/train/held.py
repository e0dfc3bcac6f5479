"""Held-out pictures, and what a network is worth on them while it is trained."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.data.preprocess import Preprocess
from ravine.stats.calibration import probabilities
from ravine.stats.scores import score
from ravine.train.evaluate import logits, packed


@dataclass(frozen=True)
class Held:
    """Validation pictures: rows of the pack, and their labels."""

    images: Tensor
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]


class Judged(NamedTuple):
    """The measures by which members are compared: None without pictures, not a number where a network gives none."""

    nll: float | None = None
    accuracy: float | None = None
    macro_f1: float | None = None


def judge(network: nn.Module, held: Held | None, picture: Preprocess) -> Judged:
    """What a network is worth on held-out pictures.

    Args:
        network: From float pictures to logits.
        held: The pictures; None for none.
        picture: How pixels become tensors.
    """
    if held is None:
        return Judged()
    z = logits(network, packed(held.images, held.indices, picture, next(network.parameters()).dtype))
    if not np.isfinite(z).all():
        return Judged(math.nan, math.nan, math.nan)
    found = score(probabilities(z), held.labels, tuple(map(str, range(z.shape[1]))))
    return Judged(found.nll, found.accuracy, found.macro_f1)
