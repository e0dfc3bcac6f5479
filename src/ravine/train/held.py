"""Held-out pictures, and what a network is worth on them while it is trained."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.data.reading import Reading
from ravine.stats.calibration import probabilities
from ravine.stats.scores import score
from ravine.train.evaluate import logits, packed
from ravine.train.execution import Execution


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


def judge(network: nn.Module, held: Held | None, picture: Reading) -> Judged:
    """What a network is worth on held-out pictures.

    Args:
        network: From float pictures to logits.
        held: The pictures; None for none.
        picture: How pixels become tensors.
    """
    if held is None:
        return Judged()
    chunks = packed(held.images, held.indices, picture, next(network.parameters()).dtype)
    return _judged(logits(network, chunks), held.labels)


def judge_all(execution: Execution, held: Held | None, picture: Reading, asked: Tensor | None) -> list[Judged]:
    """What each member of a population is worth on held-out pictures.

    Args:
        execution: Carries out its passes.
        held: The pictures; None for none.
        picture: How pixels become tensors.
        asked: Bool [K], false for members that nobody asks about. None where all are asked.

    Returns:
        One a member; not a number for those that were not asked.
    """
    theta = execution.population.theta
    if held is None:
        return [Judged()] * len(theta)
    chunks = packed(held.images, held.indices, picture, theta.dtype, execution.at_once)
    parts = [execution.logits(chunk.to(theta.device), asked).float().cpu().numpy() for chunk in chunks]
    return [_judged(z, held.labels) for z in np.concatenate(parts, axis=1)]


def _judged(z: NDArray[np.float32], labels: NDArray[np.int64]) -> Judged:
    if not np.isfinite(z).all():
        return Judged(math.nan, math.nan, math.nan)
    found = score(probabilities(z), labels, tuple(map(str, range(z.shape[1]))))
    return Judged(found.nll, found.accuracy, found.macro_f1)
