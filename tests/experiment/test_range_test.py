from dataclasses import replace

import numpy as np
import pytest
import torch
from test_minimization import SPLIT, scratch

from ravine.base.errors import PlanError
from ravine.experiment.range_test import range_test
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.sgd import SGD
from ravine.schedules.constant import Constant


def training(**choices: object) -> Scratch:
    plan = {"optimizer": SGD(lr=0.1), "schedule": Constant(), "batch_size": 12, "epochs": 2, "compiled": False}
    return scratch(**(plan | choices))


def test_the_range_lies_between_rates_that_crawl_and_rates_that_diverge():
    found = range_test(training(), low=1e-6, high=1e4, rates=11, steps=40, orders=2)
    assert 1e-6 < found.low <= found.high < 1e4
    assert found.losses.shape == (2, 11)
    assert found.start == pytest.approx(np.log(3))
    inside = (found.rates >= found.low) & (found.rates <= found.high)
    assert found.losses[:, inside].max() < found.start
    assert found.losses[:, 0].min() > found.losses[:, inside].min()
    assert not found.may_go_lower
    assert not found.may_go_higher


def test_a_range_that_the_rates_tried_cut_off_says_so():
    whole = range_test(training(), low=1e-6, high=1e4, rates=11, steps=40, orders=1)
    cut = range_test(training(), low=whole.low, high=whole.low * 2, rates=3, steps=40, orders=1)
    assert cut.may_go_lower
    assert cut.may_go_higher


def test_training_is_the_same_bit_for_bit_with_and_without_the_test():
    plain = training().train(SPLIT.train, [0], "choose", Stages()).population.theta
    source = training()
    loop = source.prepare(SPLIT.train, [0], "choose", [0])
    torch.manual_seed(3)
    before = loop.population.theta.clone(), torch.get_rng_state()
    range_test(source, rates=4, steps=10, orders=1)
    assert torch.equal(loop.population.theta, before[0])
    assert torch.equal(torch.get_rng_state(), before[1])
    loop.train()
    assert torch.equal(loop.population.theta, plain)


def test_the_same_twice():
    first, second = (range_test(training(), rates=4, steps=10, orders=2) for _ in range(2))
    assert np.array_equal(first.losses, second.losses)


@pytest.mark.parametrize("given", [{"low": 0}, {"low": 2, "high": 1}, {"rates": 2}, {"steps": 3}, {"orders": 0}])
def test_arguments_have_ranges(given):
    with pytest.raises(PlanError, match="is out of range"):
        range_test(training(), **given)


def test_a_minimizer_has_no_rate():
    with pytest.raises(PlanError, match="has no rate of its own"):
        range_test(scratch(optimizer=LBFGS()))


def test_no_rate_that_learns_is_an_error():
    source = training()
    shuffled = replace(source, pack=replace(source.pack, images=np.zeros_like(source.pack.images)))
    with pytest.raises(PlanError, match="No rate from"):
        range_test(shuffled, low=1e3, high=1e5, rates=3, steps=12, orders=1)
