"""How far probabilities move when a picture is read from the pack instead of directly."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.bundle import Model
from ravine.data.pack import Pack
from ravine.experiment.fitted import Evidence
from ravine.stats.calibration import probabilities
from ravine.train.evaluate import logits, packed

COMPARED = 64
"""Pictures that are compared at most; more would cost time and say the same."""


@dataclass(frozen=True)
class Shift:
    """The largest change of any probability, over how many pictures, and how many of them changed their answer."""

    largest: float
    pictures: int
    changed: int


def pack_shift(model: Model, pack: Pack, indices: NDArray[np.int64], tested: Evidence) -> Shift:
    """Compare the pack, whose pixels are rounded, with the direct path.

    Args:
        model: The classifier.
        pack: The packed pictures.
        indices: The test pictures.
        tested: The logits of the same pictures by the direct path; for a head on a frozen body by its stored features,
            whose rounding counts too.
    """
    some = indices[:COMPARED]
    images = torch.as_tensor(pack.images).to(next(model.network.parameters()).device)
    by_pack = probabilities(logits(model.network, packed(images, some, model.picture)), model.temperature)
    by_file = probabilities(tested.logits[: len(some)], model.temperature)
    changed = int((by_pack.argmax(axis=1) != by_file.argmax(axis=1)).sum())
    return Shift(float(np.abs(by_pack - by_file).max()), len(some), changed)
