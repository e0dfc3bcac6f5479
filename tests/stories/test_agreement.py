"""The shift in probability between the pack and the direct path."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from ravine.bundle import Model
from ravine.data.pack import Pack
from ravine.data.preprocess import Preprocess
from ravine.experiment.fitted import Evidence
from ravine.stories import agreement
from ravine.stories.agreement import pack_shift

PICTURE = Preprocess(size=4, channels=1)
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 4, 4, 1), dtype=np.uint8)
PACK = Pack(IMAGES, np.zeros(300, np.int64), False, 0.0, Path("nowhere"))


def _model() -> Model:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    return Model(network, ("a", "b", "c"), PICTURE, 2.0, "", {}, {})


def test_pictures_of_the_right_size_do_not_shift_and_few_enough_are_compared() -> None:
    model, rows = _model(), np.arange(300)
    direct, _ = model.said(lambda index: np.repeat(IMAGES[index], 3, axis=2), rows)
    shift = pack_shift(model, PACK, rows, Evidence(direct, PACK.labels, "pictures"))
    assert shift.pictures == agreement.COMPARED
    assert shift.largest < 1e-6
    assert shift.changed == 0


def test_the_shift_is_the_largest_of_any_probability() -> None:
    model, rows = _model(), np.array([5, 9, 2])
    z, _ = model.said(lambda index: np.repeat(IMAGES[index], 3, axis=2), rows)
    moved = z.copy()
    moved[1] = np.roll(z[1], 1)
    shift = pack_shift(model, PACK, rows, Evidence(moved, PACK.labels[:3], "pictures"))
    p, q = (torch.softmax(torch.from_numpy(logits).double() / 2.0, 1).numpy() for logits in (z, moved))
    assert shift.largest == np.abs(p - q).max()
    assert shift.changed == 1
    assert shift.pictures == 3
