from itertools import pairwise
from math import ceil

import pytest
import torch
from ensemble_training import buffer_row, course, row, small_network, trained_steps
from hypothesis import assume, given
from hypothesis import strategies as st

from ravine.base.errors import PlanError
from ravine.ensemble.snapshot import Snapshot, cycle_ends
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.sgd import SGD
from ravine.schedules.constant import Constant
from ravine.schedules.cosine import Cosine
from ravine.schedules.cosine_restarts import CosineRestarts
from ravine.schedules.cyclic import Cyclic
from ravine.schedules.exponential import Exponential
from ravine.schedules.one_cycle import OneCycle
from ravine.schedules.step import StepDecay
from ravine.schedules.warm_up import WarmUp
from ravine.schedules.warm_up_stable_decay import WarmUpStableDecay


def _ends(schedule, steps: int, members: int = 1) -> list[list[int]]:
    return cycle_ends(course(1, steps, schedule, members))


@given(st.integers(2, 12), st.integers(4, 3000), st.floats(0, 0.5))
def test_budgets_that_do_not_divide_give_cycles_that_differ_by_one_step(cycles, steps, low):
    assume(steps >= 3 * cycles)
    (ends,) = _ends(CosineRestarts(first=1 / cycles, low=low), steps)
    assert ends == [ceil(steps * cycle / cycles - 1e-9) for cycle in range(1, cycles + 1)]
    lengths = [after - before for before, after in pairwise([0, *ends])]
    assert max(lengths) - min(lengths) <= 1


@given(st.integers(2, 8), st.integers(30, 1000))
def test_the_rate_starts_anew_right_behind_each_snapshot(cycles, steps):
    schedule = CosineRestarts(first=1 / cycles)
    t, total = torch.arange(steps, dtype=torch.float64)[None], torch.tensor([[float(steps)]]).double()
    factor = schedule.factor(schedule.columns(1), t, total)[0]
    (ends,) = _ends(schedule, steps)
    assert (torch.nonzero(factor.diff() > 0).flatten() + 1).tolist() == ends[:-1]
    assert ends[-1] == steps
    assert len(ends) == cycles


def test_cycles_that_grow():
    assert _ends(CosineRestarts(first=1 / 7, growth=2.0), 700) == [[100, 300, 700]]
    assert _ends(CosineRestarts(first=10, growth=1.0, unit="step"), 30) == [[10, 20, 30]]


def test_cyclical_rates_are_copied_behind_the_step_with_the_lowest_one():
    assert _ends(Cyclic(half=0.1), 100) == [[21, 41, 61, 81, 100]]
    assert _ends(Cyclic(half=5, unit="step", form="triangular2"), 30) == [[11, 21, 30]]


def test_members_may_have_cycles_of_their_own():
    assert _ends(CosineRestarts(first=(0.5, 0.25)), 8, members=2) == [[4, 8], [2, 4, 6, 8]]


@pytest.mark.parametrize(
    "schedule", [Constant(), Cosine(), Exponential(), StepDecay(), OneCycle(), WarmUp(), WarmUpStableDecay()]
)
def test_a_rate_that_never_goes_up_again_is_refused(schedule):
    with pytest.raises(PlanError, match="schedule=cosine_restarts"):
        Snapshot().collector(course(10, 50, schedule))


def test_a_run_that_ends_within_a_cycle_is_refused():
    with pytest.raises(PlanError, match="after 250 steps, within a cycle; the last whole one ends after 200"):
        Snapshot().collector(course(1, 250, CosineRestarts(first=100, unit="step")))


def test_rules_that_average_are_refused():
    assert "ScheduleFree" in (Snapshot().refuses(ScheduleFree(), members=1) or "")
    assert Snapshot().refuses(SGD(), members=1) is None


def test_snapshots_are_weights_and_buffers_of_their_step():
    network, kept = small_network(), Snapshot().collector(course(1, 10, CosineRestarts(first=1 / 3)))
    seen = {}
    for step in trained_steps(network, 10):
        kept.update(row(network), buffer_row(network), step)
        seen[step] = row(network), buffer_row(network)
    candidates = kept.candidates(0)
    assert len(candidates) == 3
    for place, step in enumerate((4, 7, 10)):
        assert torch.equal(candidates.theta[place], seen[step][0][0])
        assert torch.equal(candidates.buffers[place], seen[step][1][0])


def test_the_last_ones():
    kept = Snapshot(last=2).collector(course(1, 100, CosineRestarts(first=0.2)))
    assert kept.steps == [[80, 100]]
    assert Snapshot().combine(2, None).votes == (0.5, 0.5)
