"""Batches made ahead in a thread change no bit of a training."""

from dataclasses import replace

import pytest
import torch
from training import IMAGES, LABELS, Training

from ravine.augment.crop import Crop
from ravine.models.small_cnn import SmallCNN
from ravine.train.loop import Loop
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper


def loop(ahead: int) -> Loop:
    made = replace(Training(), seeds=(0, 1)).loop()
    shape = PictureShape(1, IMAGES.shape[1], int(LABELS.max()) + 1)
    population = Population(SmallCNN(width=2, depth=1), shape, (0, 1), techniques=[[Crop()], []])
    one = Training()
    steps = one.epochs * len(made.batches)
    slabs = (population.layout, population.theta, population.gradient)
    stepper = Stepper(one.rule, one.schedule, one.penalties, *slabs, steps, compiled=False)
    own = Loop(population, stepper, made.batches, range(2), made.picture, made.epochs, made.held)
    own.ahead = ahead
    return own


@pytest.mark.parametrize("ahead", [1, 3])
def test_batches_made_ahead_change_no_bit(ahead: int) -> None:
    plain, threaded = loop(0), loop(ahead)
    plain.train()
    threaded.train()
    assert torch.equal(plain.population.theta, threaded.population.theta)
    assert [epoch.train_loss for epoch in plain.history] == [epoch.train_loss for epoch in threaded.history]


def test_steps_one_by_one_are_those_of_a_training() -> None:
    whole, single = loop(0), loop(0)
    whole.train()
    for epoch in range(single.epochs):
        for number in range(len(single.batches)):
            single.step(number, epoch)
    assert torch.equal(whole.population.theta, single.population.theta)
