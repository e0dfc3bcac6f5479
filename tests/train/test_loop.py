"""The training loop: members that do not know of each other, members that fail, and a reference in plain PyTorch."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from training import HELD, IMAGES, LABELS, PICTURE, TRAIN, Training

from ravine.base.errors import TrainingError
from ravine.data.batches import order
from ravine.models.architecture import Architecture
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.optim.adam import Adam
from ravine.optim.momentum import Momentum
from ravine.optim.sam import SAM
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.sgd import SGD
from ravine.penalties.l2 import L2
from ravine.schedules.constant import Constant
from ravine.train.execution import Looped
from ravine.train.loop import Loop
from ravine.train.stacked import Stacked

ARCHITECTURES = [MLP(width=6, depth=1), SmallCNN(width=3, depth=2)]
RATES, SEEDS = (0.003, 0.01, 0.03), (4, 0, 9)


def _everything(loop: Loop) -> torch.Tensor:
    return torch.cat([loop.population.theta, loop.population.buffers], dim=1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("dtype", "epochs", "batch_size", "tolerance"), [(torch.float64, 13, 12, 1e-9), (torch.float32, 1, 10, 1e-5)]
)
@pytest.mark.parametrize("rule", [Adam, Momentum])
def test_a_member_alone_equals_the_member_in_a_population(
    architecture: Architecture, dtype: torch.dtype, epochs: int, batch_size: int, tolerance: float, rule: type
) -> None:
    """52 steps in float64, 5 in float32; members differ in rate, penalty and seed."""
    strengths = (1e-3, 1e-2, 0.0)
    base = Training(architecture, epochs=epochs, dtype=dtype, batch_size=batch_size)
    together = replace(base, rule=rule(lr=RATES), penalties=[L2(strengths)], seeds=SEEDS).trained()
    assert together.stepper.steps.tolist() == [epochs * len(together.batches)] * 3
    for member in range(3):
        alone = replace(
            base, rule=rule(lr=RATES[member]), penalties=[L2(strengths[member])], seeds=[SEEDS[member]]
        ).trained()
        assert (_everything(alone)[0] - _everything(together)[member]).abs().max() <= tolerance
        own = [epoch for epoch in together.history if epoch.member == member]
        for one, other in zip(alone.history, own, strict=True):
            assert one.validation_nll == pytest.approx(other.validation_nll, abs=100 * tolerance)
            assert one.train_loss == pytest.approx(other.train_loss, abs=100 * tolerance)


def test_the_same_training_twice_gives_the_same_bits() -> None:
    training = Training(SmallCNN(width=3, depth=2), seeds=(0, 1))
    assert torch.equal(_everything(training.trained()), _everything(training.trained()))


def test_training_against_plain_pytorch() -> None:
    """The same start, the same batches, torch's own optimizer and scheduler in float64."""
    training = Training(SmallCNN(width=3, depth=2), Momentum(lr=0.05), Constant(), [], [7], 3, torch.float64)
    start = training.loop().population.networks[0]
    network = SmallCNN(width=3, depth=2).build(1, 8, 3).double()
    network.load_state_dict(start.state_dict())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(3):
        rows = TRAIN[order(7, epoch, len(TRAIN))]
        for some in np.split(rows, 4):
            x = torch.from_numpy(IMAGES[some]).permute(0, 3, 1, 2).double()
            optimizer.zero_grad()
            cross_entropy(network((x / 255 - 0.5) / 0.5), torch.from_numpy(LABELS[some])).backward()
            optimizer.step()
    loop = training.trained()
    for name, value in network.state_dict().items():
        assert torch.allclose(loop.population.networks[0].state_dict()[name].double(), value.double(), atol=1e-6), name
    x = torch.from_numpy(IMAGES[HELD]).permute(0, 3, 1, 2).double()
    nll = cross_entropy(network.eval()((x / 255 - 0.5) / 0.5), torch.from_numpy(LABELS[HELD]))
    assert loop.history[-1].validation_nll == pytest.approx(nll.item(), abs=1e-5)


def test_the_record_has_a_line_a_member_and_epoch() -> None:
    loop = Training(seeds=(0, 1), epochs=3).trained()
    assert [(one.epoch, one.member) for one in loop.history] == [(e, m) for e in (1, 2, 3) for m in (0, 1)]
    assert [one.steps for one in loop.history] == [4, 4, 8, 8, 12, 12]
    assert all(one.run == "choose" and 0 < one.train_loss < 5 for one in loop.history)
    assert [one.seconds for one in loop.history] == sorted(one.seconds for one in loop.history)


def test_the_training_loss_is_the_mean_over_the_pictures_of_the_epoch() -> None:
    """At a rate too small to change anything, it is the loss at the start."""
    training = Training(rule=SGD(lr=1e-30), penalties=(), epochs=1, batch_size=20, dtype=torch.float64)
    loop = training.trained()
    x = PICTURE.normalise(torch.from_numpy(IMAGES[TRAIN]).permute(0, 3, 1, 2)).double()
    expected = cross_entropy(loop.population.networks[0](x), torch.from_numpy(LABELS[TRAIN]))
    assert loop.history[0].train_loss == pytest.approx(expected.item(), abs=1e-12)


def test_without_validation_pictures_nothing_is_judged() -> None:
    loop = Training(held=False).trained()
    assert all(one.validation_nll is None and one.validation_accuracy is None for one in loop.history)


def test_progress_counts_every_step() -> None:
    loop, done = Training(epochs=2).loop(), []
    loop.advance = done.append
    loop.train()
    assert done == [1] * 8


def test_a_rule_with_a_probe_gets_its_gradient_there() -> None:
    """SAM with a radius of zero is its base rule."""
    plain = Training(rule=Momentum(lr=0.05), dtype=torch.float64).trained()
    still = Training(rule=SAM(base=Momentum(lr=0.05), rho=0.0), dtype=torch.float64).trained()
    moved = Training(rule=SAM(base=Momentum(lr=0.05), rho=0.1), dtype=torch.float64).trained()
    assert torch.equal(plain.population.theta, still.population.theta)
    assert not torch.equal(plain.population.theta, moved.population.theta)


def test_the_weights_that_are_kept_are_those_that_the_rule_evaluates() -> None:
    loop = Training(rule=ScheduleFree(), schedule=Constant(), penalties=(), dtype=torch.float64).loop()
    seen = []
    evaluated = loop.stepper.evaluated

    def noted() -> torch.Tensor:
        seen.append(evaluated().clone())
        return seen[-1]

    loop.stepper.evaluated = noted
    loop.train()
    assert torch.equal(loop.population.theta, seen[-1])
    assert torch.equal(seen[-1], seen[-2]), "judging an epoch must not move the training"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_member_that_fails_is_frozen_and_changes_no_bit_of_the_others(architecture: Architecture) -> None:
    base = Training(architecture, epochs=3)
    with_it = replace(base, rule=Adam(lr=(0.01, 1e30, 0.02)), seeds=(1, 2, 3)).trained()
    without = replace(base, rule=Adam(lr=(0.01, 0.02)), seeds=(1, 3)).trained()
    assert with_it.alive.tolist() == [True, False, True]
    assert torch.equal(_everything(with_it)[[0, 2]], _everything(without))
    assert with_it.stepper.steps[1] < with_it.stepper.steps[0]
    for one, other in zip([one for one in with_it.history if one.member != 1], without.history, strict=True):
        assert replace(one, member=0, seconds=0) == replace(other, member=0, seconds=0)


def test_a_failed_member_stays_where_it_was_when_its_loss_was_not_finite() -> None:
    loop = Training(rule=SGD(lr=(1e30, 0.01)), penalties=(), seeds=(0, 1)).loop()
    loop.step(0)
    loop.step(1)
    assert loop.alive.tolist() == [False, True]
    frozen = loop.population.theta[0].clone()
    loop.step(2)
    assert torch.equal(loop.population.theta[0], frozen)
    assert loop.stepper.steps.tolist() == [1, 3]


def test_when_all_fail_the_error_says_where_and_what_to_do() -> None:
    with pytest.raises(TrainingError, match=r"The loss became (nan|inf) at step 2, .* Choose a smaller optimizer.lr"):
        Training(rule=SGD(lr=1e30), penalties=()).trained()


def test_a_failure_in_the_very_last_step_is_seen_too() -> None:
    with pytest.raises(TrainingError, match=r"The loss would not be finite at step 2, .* Choose a smaller"):
        Training(rule=SGD(lr=1e30), penalties=(), epochs=1, batch_size=48).trained()
    two = Training(rule=SGD(lr=(1e30, 0.01)), penalties=(), seeds=(0, 1), epochs=1, batch_size=48).trained()
    assert two.alive.tolist() == [False, True]
    assert math.isnan(two.history[0].validation_nll)
    assert two.history[1].validation_nll > 0


@pytest.mark.parametrize(("kind", "tolerance"), [(Looped, 0.0), (Stacked, 1e-9)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_members_go_on_in_a_smaller_loop(architecture: Architecture, kind: type, tolerance: float) -> None:
    """Two of four go on after two of five epochs, in float64."""
    rates, seeds, rows = (0.003, 0.01, 0.03, 0.02), (4, 0, 9, 2), [1, 3]
    base = Training(architecture, Adam(lr=rates), seeds=seeds, epochs=5, dtype=torch.float64)
    whole, first = base.loop(), base.loop()
    smaller = replace(base, rule=Adam(lr=(0.01, 0.02)), seeds=(0, 2)).loop()
    for loop in (whole, first, smaller):
        loop.execution = kind(loop.population)
    whole.train()
    for epoch in range(2):
        first.epoch(epoch)
    smaller.go_on(first, rows)
    first.finish()
    for epoch in range(2, 5):
        smaller.epoch(epoch)
    smaller.finish()
    assert smaller.stepper.steps.tolist() == [20, 20]
    assert smaller.members == rows
    assert (_everything(whole)[rows] - _everything(smaller)).abs().max() <= tolerance
    assert torch.equal(_everything(first)[rows], _everything(smaller)), "they are put back"
    for one, other in zip(whole.population.networks, first.population.networks, strict=True):
        counted = [v for v in one.state_dict().values() if v.dtype == torch.int64]
        if one in [whole.population.networks[row] for row in rows]:
            assert counted == [v for v in other.state_dict().values() if v.dtype == torch.int64]
    assert [(one.epoch, one.member) for one in smaller.history if one.epoch > 2] == [
        (e, m) for e in (3, 4, 5) for m in rows
    ]
