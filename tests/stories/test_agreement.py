"""The shift in probability between what training read and the files."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.bundle import Model
from ravine.data.audit import Audit
from ravine.data.pack import Pack
from ravine.data.preprocess import Preprocess
from ravine.experiment.fitted import COMPARED, Evidence, Fitted
from ravine.stories import agreement
from ravine.stories.agreement import Shift

PICTURE = Preprocess(size=4, channels=1)
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 4, 4, 1), dtype=np.uint8)
PACK = Pack(IMAGES, np.zeros(300, np.int64), False, 0.0, Path("nowhere"))
AUDIT = cast(Audit, SimpleNamespace(pixels=lambda index: np.repeat(IMAGES[index], 3, axis=2)))


def no_pack() -> Pack:
    pytest.fail("No pack is needed.")


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    return Model(network, ("a", "b", "c"), PICTURE, 2.0, "", {}, {})


def fitted(model: Model, **other: Any) -> Fitted:
    return replace(Fitted(model.network, model.temperature, None, ()), **other)


def evidence(z: NDArray[np.float32]) -> Evidence:
    return Evidence(z, PACK.labels[: len(z)], "pictures")


def test_pictures_of_the_right_size_do_not_shift_and_few_enough_are_compared(model: Model) -> None:
    rows = np.arange(300)
    direct, _ = model.said(AUDIT.pixels, rows)
    shift = agreement.agreement(model, fitted(model), AUDIT, lambda: PACK, rows, evidence(direct))
    assert (shift.pictures, shift.changed) == (COMPARED, 0)
    assert shift.largest < 1e-6
    assert shift.read.startswith("packed")


def test_the_shift_is_the_largest_of_any_probability(model: Model) -> None:
    rows = np.array([5, 9, 2])
    z, _ = model.said(AUDIT.pixels, rows)
    moved = z.copy()
    moved[1] = np.roll(z[1], 1)
    p, q = (torch.softmax(torch.from_numpy(logits).double() / 2.0, 1).numpy() for logits in (z, moved))
    expected = Shift("packed copies of the pictures", float(np.abs(p - q).max()), 3, 1)
    assert agreement.agreement(model, fitted(model), AUDIT, lambda: PACK, rows, evidence(moved)) == expected


def test_a_head_on_stored_features_is_compared_with_its_network(model: Model) -> None:
    rows = np.array([7, 1])
    z, _ = model.said(AUDIT.pixels, rows)
    head = fitted(model, said=lambda *_: z)
    shift = agreement.agreement(model, head, AUDIT, no_pack, rows, evidence(z + np.float32([0, 0, 0.5])))
    assert shift.read.startswith("stored features")
    assert shift.largest > 0.01


def test_stages_behind_frozen_ones_are_compared_on_the_pictures_that_were_stored(model: Model) -> None:
    stored = np.array([4, 8, 15])
    z, _ = model.said(AUDIT.pixels, stored)
    one = fitted(model, read=(stored, z + np.float32([0, 0.5, 0])))
    shift = agreement.agreement(model, one, AUDIT, no_pack, np.array([1]), evidence(z[:1]))
    assert (shift.read, shift.pictures) == ("what its frozen stages say", 3)
    assert shift.largest > 0.01


def test_no_pictures_do_not_shift() -> None:
    nobody = np.empty((0, 3), np.float32)
    assert Shift.between("packed copies", nobody, nobody, 1.0) == Shift("packed copies", 0.0, 0, 0)
