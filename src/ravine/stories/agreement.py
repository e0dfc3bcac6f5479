"""How far probabilities move between what training read of a picture and what the file itself says."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.bundle import Model
from ravine.data.audit import Audit
from ravine.data.pack import Packed
from ravine.experiment.fitted import COMPARED, Evidence, Fitted
from ravine.stats.calibration import probabilities
from ravine.train.evaluate import logits, packed


@dataclass(frozen=True)
class Shift:
    """What training read of pictures against their files.

    Attributes:
        read: What it read, such as "packed copies of the pictures".
        largest: The largest change of any probability.
        pictures: Over how many.
        changed: How many of them changed their answer.
    """

    read: str
    largest: float
    pictures: int
    changed: int

    @classmethod
    def between(cls, read: str, one: NDArray[np.floating], other: NDArray[np.floating], temperature: float) -> "Shift":
        """Compare the logits of the same pictures by both ways, [n, C]."""
        p, q = probabilities(one, temperature), probabilities(other, temperature)
        changed = int((p.argmax(axis=1) != q.argmax(axis=1)).sum())
        return cls(read, float(np.abs(p - q).max(initial=0)), len(p), changed)


def agreement(
    model: Model, fitted: Fitted, audit: Audit, pack: Packed, indices: NDArray[np.int64], tested: Evidence
) -> Shift:
    """Compare two ways of reading some pictures: for stages behind frozen ones of the training, else of the test.

    Args:
        model: The classifier.
        fitted: What fitting left.
        audit: The pictures.
        pack: Gives them packed, with rounded pixels; asked where training read them so.
        indices: The test pictures.
        tested: Their logits: by stored features where a head was fitted to such, else from the files.
    """
    some = indices[:COMPARED]
    if fitted.read:
        some, stored = fitted.read
        return Shift.between("what its frozen stages say", stored, model.said(audit.pixels, some)[0], model.temperature)
    before = tested.logits[: len(some)]
    if fitted.said:
        by_file, _ = model.said(audit.pixels, some)
        return Shift.between("stored features of the pictures", before, by_file, model.temperature)
    images = torch.as_tensor(pack().images[some])
    by_pack = logits(model.network, packed(images, np.arange(len(some)), model.picture))
    return Shift.between("packed copies of the pictures", by_pack, before, model.temperature)
