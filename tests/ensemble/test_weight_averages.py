"""Polyak, EMA and SWA against torch.optim.swa_utils, closed forms, and the mean of what was seen."""

import pytest
import torch
from ensemble_training import buffer_row, course, row, small_network, trained_steps
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn

from ravine.base.errors import PlanError
from ravine.ensemble.candidates import Candidates
from ravine.ensemble.ema import EMA
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.polyak import Polyak
from ravine.ensemble.swa import SWA
from ravine.optim.schedule_free import ScheduleFree

AVERAGES = [Polyak(), EMA(), EMA(bias_correction=False), SWA(start=0.5)]

FLOAT32 = 1e-7
"""torch computes 1/n in float32, also for weights in float64; the mean itself is tested below."""


def _averaged(ensemble: Ensemble, rows: Tensor, steps_per_epoch: int = 1) -> Candidates:
    """What an ensemble makes of the rows [steps, P] of one member."""
    collector = ensemble.collector(course(len(rows) // steps_per_epoch, steps_per_epoch))
    assert collector
    for step, theta in enumerate(rows, 1):
        collector.update(theta[None].clone(), -theta[None, :2], step)
    return collector.candidates(0)


@pytest.mark.parametrize(
    ("ensemble", "function", "counts", "close"),
    [
        (Polyak(start=0.4), get_swa_multi_avg_fn(), lambda step: step > 16, FLOAT32),
        (EMA(decay=0.9, bias_correction=False), get_ema_multi_avg_fn(0.9), lambda step: step > 0, 1e-13),
        (SWA(start=0.5, every=2), get_swa_multi_avg_fn(), lambda step: step in (24, 32, 40), FLOAT32),
    ],
)
def test_the_same_as_torch_in_training(ensemble, function, counts, close):
    network = small_network()
    network[1].register_buffer("num_batches_tracked", None)
    reference = AveragedModel(network, multi_avg_fn=function, use_buffers=True)
    collector = ensemble.collector(course(epochs=10, steps_per_epoch=4))
    for step in trained_steps(network, 40):
        collector.update(row(network), buffer_row(network), step)
        if counts(step):
            reference.update_parameters(network)
    got = collector.candidates(0)
    torch.testing.assert_close(got.theta, row(reference.module), rtol=close, atol=close)
    torch.testing.assert_close(got.buffers, buffer_row(reference.module), rtol=close, atol=close)


@given(st.floats(0, 0.999), st.integers(1, 40))
def test_the_corrected_average_is_the_published_one(decay, steps):
    rows = torch.randn(steps, 3, generator=torch.Generator().manual_seed(steps), dtype=torch.float64)
    average = torch.zeros(3, dtype=torch.float64)
    for theta in rows:
        average = decay * average + (1 - decay) * theta
    got = _averaged(EMA(decay=decay), rows).theta[0]
    torch.testing.assert_close(got, average / (1 - decay**steps), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ensemble", AVERAGES)
def test_weights_that_stand_still_are_their_average(ensemble):
    rows = torch.full((20, 3), 0.1)
    torch.testing.assert_close(_averaged(ensemble, rows).theta, rows[:1])


@pytest.mark.parametrize("ensemble", AVERAGES)
@given(steps=st.integers(4, 60))
def test_an_average_lies_between_the_first_and_the_last_weights(ensemble, steps):
    got = _averaged(ensemble, torch.arange(1.0, steps + 1)[:, None].expand(-1, 3))
    assert 1 <= got.theta[0, 0] <= steps
    torch.testing.assert_close(got.buffers, -got.theta[:, :2])


def test_polyak_is_the_mean_of_all_steps_behind_the_start():
    rows = torch.randn(41, 3, dtype=torch.float64)
    torch.testing.assert_close(_averaged(Polyak(start=0.0), rows).theta[0], rows.mean(0))
    torch.testing.assert_close(_averaged(Polyak(start=0.5), rows).theta[0], rows[20:].mean(0))


@pytest.mark.parametrize(("start", "every", "epochs"), [(0.0, 1, range(1, 9)), (0.75, 1, (7, 8)), (0.5, 3, (5, 8))])
def test_swa_is_the_mean_of_epochs_counted_back_from_the_last(start, every, epochs):
    rows = torch.randn(24, 3, dtype=torch.float64)
    expected = torch.stack([rows[3 * epoch - 1] for epoch in epochs]).mean(0)
    torch.testing.assert_close(_averaged(SWA(start, every), rows, steps_per_epoch=3).theta[0], expected)


@pytest.mark.parametrize(("start", "every"), [(0.9, 1), (0.5, 5)])
def test_an_average_of_one_epoch_is_refused(start, every):
    with pytest.raises(PlanError, match=r"of 8 epochs that leaves one\. Set more epochs"):
        SWA(start, every).collector(course(8, 3))


@pytest.mark.parametrize("bias_correction", [True, False])
def test_members_may_have_decays_of_their_own(bias_correction):
    rows = torch.randn(15, 2, 3)
    together = EMA(decay=(0.5, 0.95), bias_correction=bias_correction).collector(course(15, 1, members=2))
    for step, theta in enumerate(rows, 1):
        together.update(theta, theta[:, :1], step)
    for member, decay in enumerate((0.5, 0.95)):
        alone = _averaged(EMA(decay=decay, bias_correction=bias_correction), rows[:, member])
        assert torch.equal(together.candidates(member).theta, alone.theta)


@pytest.mark.parametrize("ensemble", AVERAGES)
@pytest.mark.parametrize("stop", [0, 1, 7, 12])
def test_interrupted_in_any_step_it_is_the_same(ensemble, stop):
    rows, parts = torch.randn(12, 1, 3), [ensemble.collector(course(4, 3)) for _ in range(3)]
    whole, before, after = parts
    for step, theta in enumerate(rows, 1):
        whole.update(theta, theta, step)
        if step <= stop:
            before.update(theta, theta, step)
    after.load_state_dict(before.state_dict())
    for step in range(stop + 1, 13):
        after.update(rows[step - 1], rows[step - 1], step)
    assert torch.equal(whole.candidates(0).theta, after.candidates(0).theta)


@pytest.mark.parametrize("ensemble", AVERAGES)
def test_what_they_ask_for(ensemble):
    assert ensemble.reestimates(mixed=False) is not isinstance(ensemble, EMA)
    assert ensemble.refuses(ScheduleFree(), members=1)
    assert not ensemble.pools
    assert ensemble.combine(1, None).mixtures == ((1.0,),)
