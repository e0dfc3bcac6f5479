"""Batches made at once, or ahead in a thread, change no bit of a training."""

from dataclasses import replace

import pytest
import torch
from training import IMAGES, LABELS, Training

from ravine.augment.crop import Crop
from ravine.augment.cutmix import CutMix
from ravine.augment.mixup import Mixup
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.label_smoothing import LabelSmoothing
from ravine.train.loop import Loop
from ravine.train.seeing import Seeing
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

SHAPE = PictureShape(1, IMAGES.shape[1], int(LABELS.max()) + 1)


def loop(ahead: int, block: int = 1) -> Loop:
    made = replace(Training(), seeds=(0, 1)).loop()
    techniques = [[Crop(), CutMix()], [], [Crop(), Mixup(), LabelSmoothing()]]
    population = Population(SmallCNN(width=2, depth=1), SHAPE, (0, 1, 0), techniques=techniques)
    one = Training()
    steps = one.epochs * len(made.batches)
    slabs = (population.layout, population.theta, population.gradient)
    stepper = Stepper(one.rule, one.schedule, one.penalties, *slabs, steps, compiled=False)
    own = Loop(population, stepper, made.batches, (0, 1, 0), made.picture, made.epochs, made.held)
    own.ahead, own.block = ahead, block
    return own


@pytest.mark.parametrize(("ahead", "block"), [(0, 2), (0, 3), (0, 50), (1, 1), (3, 2)])
def test_batches_made_at_once_or_ahead_change_no_bit(ahead: int, block: int) -> None:
    plain, threaded = loop(0), loop(ahead, block)
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


def test_members_see_the_pictures_of_their_streams_and_share_what_is_the_same() -> None:
    made = replace(Training(), seeds=(0, 1, 2)).loop()
    batch = made.batches.at(0, 1)
    population = Population(MLP(width=2, depth=1), SHAPE, range(4), techniques=[[], [Crop()], [], []])
    seen = Seeing(population, made.batches, [2, 1, 0, 2], made.picture)(batch, 0)
    for row, stream in ((0, 2), (2, 0), (3, 2)):
        pixels, labels = seen[row]
        alone = made.picture.normalise(batch.images[stream].permute(0, 3, 1, 2))
        assert torch.equal(pixels, alone)
        assert torch.equal(labels, batch.labels[stream])
    assert seen[0][0] is seen[3][0]
    assert seen[1][1].dtype == torch.float32, "targets of a technique are distributions"
