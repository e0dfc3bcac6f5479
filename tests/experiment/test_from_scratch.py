"""Training from scratch in a race."""

from dataclasses import replace

import numpy as np
import pytest

from ravine.base.errors import TrainingError
from ravine.data.pack import Pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, SplitChoices
from ravine.ensemble.ema import EMA
from ravine.experiment.from_scratch import FromScratch
from ravine.experiment.scratch import Scratch
from ravine.models.mlp import MLP
from ravine.optim.sgd import SGD
from ravine.plan.plan import Plan
from ravine.regularize.early_stopping import EarlyStopping
from ravine.schedules.constant import Constant

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 2
IMAGES = np.clip(RNG.normal(90 + 80 * LABELS[:, None, None, None], 20, (60, 6, 6, 1)), 0, 255).astype(np.uint8)
ROWS = np.arange(50)


def way(**changes: object) -> FromScratch:
    plan = Plan(
        model=MLP(width=6, depth=1),
        transfer="scratch",
        picture=Preprocess(size=6, channels=1),
        split=SplitChoices(nested=True),
        optimizer=SGD(lr=0.1),
        schedule=Constant(),
        penalty=(),
        epochs=4,
        batch_size=10,
    )
    split = Split(ROWS[:40], ROWS[40:], np.arange(50, 60), "drawn", 0)
    return FromScratch(Scratch(replace(plan, **changes), Pack(IMAGES, LABELS, False, 0.0, None), split, ("a", "b")))


def test_held_pictures_are_answered_in_their_order_and_well() -> None:
    held = np.array([44, 3, 47, 0, 12])
    fit = np.setdiff1d(ROWS, held)
    z = way().answers(fit, held, 5)
    assert z.shape == (5, 2)
    assert (z.argmax(1) == LABELS[held]).all()
    assert np.array_equal(way().answers(fit, held[::-1].copy(), 5)[::-1], z)


def test_the_seed_and_the_pictures_that_are_fitted_to_decide() -> None:
    fit, held = ROWS[:30], ROWS[30:]
    first = way().answers(fit, held, 1)
    assert np.array_equal(first, way().answers(fit, held, 1))
    assert not np.array_equal(first, way().answers(fit, held, 2))
    assert not np.array_equal(first, way().answers(fit[:25], held, 1))


def test_of_several_members_the_first_is_trained_without_what_needs_the_others() -> None:
    many = way(
        optimizer=SGD(lr=(0.1, 0.001)), members=2, techniques=(EarlyStopping(),), same_order=True, execution="looped"
    )
    assert np.array_equal(many.answers(ROWS[:30], ROWS[30:], 1), way().answers(ROWS[:30], ROWS[30:], 1))
    assert np.isfinite(way(ensemble=EMA()).answers(ROWS[:30], ROWS[30:], 1)).all()


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(TrainingError):
        way(optimizer=SGD(lr=1e30)).answers(ROWS[:30], ROWS[30:], 0)


def test_expected_seconds_grow_with_pictures_and_epochs() -> None:
    one = way()
    assert 0 < one.expected_seconds(20) < one.expected_seconds(40)
    assert one.expected_seconds(40) == pytest.approx(2 * one.expected_seconds(20))
