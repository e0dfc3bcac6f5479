"""The choice of an execution, with clocks that say what they are told."""

from collections.abc import Sequence

import pytest
import torch
from populations import batch, population
from torch import Tensor

from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.dropconnect import DropConnect
from ravine.regularize.dropout import Dropout
from ravine.train import race
from ravine.train.execution import Execution, Looped, Seen
from ravine.train.race import choose, executions, fastest, kept_bytes
from ravine.train.stacked import Stacked


class Clock:
    """Stands still, except where an execution says how long it took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Timed(Execution):
    """An execution that takes what the test says, and gives losses that are off by what it says."""

    def __init__(self, of: Execution, clock: Clock, seconds: Sequence[float], off: float = 0.0) -> None:
        super().__init__(of.population)
        self.of, self.clock, self.seconds, self.off, self.passes = of, clock, list(seconds), off, 0

    def losses(self, seen: Seen, steps: Sequence[int], active: Tensor | None = None) -> Tensor:
        self.clock.seconds += self.seconds[min(self.passes, len(self.seconds) - 1)]
        self.passes += 1
        return self.of.losses(seen, steps, active) + self.off


def _race(one: Sequence[float], other: Sequence[float], off: float = 0.0, seconds: float = 1.0) -> tuple[str, Timed]:
    members, clock = population(MLP(width=5, depth=1)), Clock()
    first = Timed(Looped(members), clock, one)
    second = Timed(Stacked(members), clock, other, off)
    return choose(members, {"looped": first, "stacked": second}, [batch(0)] * 3, seconds, clock), second


@pytest.mark.parametrize(
    ("other", "expected"), [(0.05, "stacked"), (0.098, "looped"), (0.096, "stacked"), (0.2, "looped")]
)
def test_the_faster_is_chosen_and_the_first_on_a_tie(other: float, expected: str) -> None:
    assert _race([0.1], [other])[0] == expected


def test_the_first_pass_does_not_count() -> None:
    assert _race([0.1], [50.0, 0.01])[0] == "stacked"


def test_a_disturbance_does_not_count() -> None:
    assert _race([0.1], [0.1, 0.01, 0.01, 0.9, 0.01])[0] == "stacked"


def test_the_race_ends_when_its_time_is_over() -> None:
    assert _race([0.125], [0.125])[1].passes == 1 + 4
    assert _race([10.0], [10.0])[1].passes == 1 + 1


def test_wrong_losses_do_not_win() -> None:
    assert _race([0.1], [0.01], off=0.01)[0] == "looped"


def test_without_a_choice_nothing_runs() -> None:
    members, clock = population(MLP(width=5, depth=1)), Clock()
    only = Timed(Looped(members), clock, [1.0])
    assert choose(members, {"looped": only}, [batch(0)] * 3, clock=clock) == "looped"
    assert only.passes == 0


def test_the_fastest_by_median() -> None:
    assert fastest({"a": [3.0, 1.0, 3.0], "b": [2.0, 2.0, 9.0], "c": [1.0, 5.0, 5.0]}) == "b"


def test_a_race_changes_nothing() -> None:
    members = population(SmallCNN(width=2, depth=2), techniques=[[Dropout()]] * 3)
    members.gradient.fill_(3.0)
    for member in members.techniques:
        member.draws.step = 17
    kept = [members.theta.clone(), members.gradient.clone(), members.buffers.clone()]
    counters = [buffer.clone() for network in members.networks for buffer in network.buffers()]
    choose(members, executions(members, [batch(0)] * 3), [batch(0)] * 3, seconds=0.0)
    assert all(map(torch.equal, kept, (members.theta, members.gradient, members.buffers)))
    assert all(map(torch.equal, counters, (buffer for network in members.networks for buffer in network.buffers())))
    assert [member.draws.step for member in members.techniques] == [17, 17, 17]


def test_what_runs_depends_on_members_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    members = population(Residual(width=2, blocks=1))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert list(executions(members, [batch(0)] * 3)) == ["looped", "spread", "stacked", "spread_stacked"]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert list(executions(members, [batch(0)] * 3)) == ["looped", "stacked"]
    refused = population(MLP(width=5, depth=1), techniques=[[DropConnect()]] * 3)
    assert list(executions(refused, [batch(0)] * 3)) == ["looped"]


def test_members_that_would_need_too_much_memory_are_not_stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    members, seen = population(SmallCNN(width=2, depth=2)), [batch(0)] * 3
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(race, "STACKED_BYTES", kept_bytes(members, seen) - 1)
    assert list(executions(members, seen)) == ["looped"]


def test_what_is_kept_grows_with_batch_and_members() -> None:
    members = population(MLP(width=5, depth=1))
    x, y = batch(0)
    small, large = kept_bytes(members, [(x[:6].clone(), y[:6])] * 3), kept_bytes(members, [(x, y)] * 3)
    assert large == 2 * small
    assert small == 3 * 6 * 8 * (64 + 5)
