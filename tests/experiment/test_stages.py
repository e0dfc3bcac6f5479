"""Stages add up their seconds under their keys and pass progress on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from ravine.experiment import stages as module
from ravine.experiment.stages import Advance, Progress, Stages


@dataclass
class Noted(Progress):
    """Remembers what it was asked to show."""

    shown: list[tuple[str, int]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    ended: int = 0

    @contextmanager
    def show(self, name: str, total: int) -> Iterator[Advance]:
        self.shown.append((name, total))
        yield self.done.append
        self.ended += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand: its last entry is the time."""
    times = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: times[-1])
    return times


def test_seconds_add_up_under_a_key(clock: list[float]) -> None:
    progress = Noted()
    stages = Stages(progress, began=100.0)
    for name, seconds in (("train", 2.0), ("train on all", 3.0)):
        with stages.stage("train", name, 10) as advance:
            advance(4)
            clock.append(clock[-1] + seconds)
    clock.append(clock[-1] + 1.0)
    assert stages.seconds == {"train": 5.0}
    assert stages.total == 6.0
    assert progress.shown == [("train", 10), ("train on all", 10)]
    assert progress.done == [4, 4]
    assert progress.ended == 2


def test_a_mistake_passes_through() -> None:
    with pytest.raises(ValueError, match="mine"), Stages().stage("scan", "scan", 1):
        raise ValueError("mine")


def test_without_a_display_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    stages = Stages()
    stages.progress.say("words")
    with stages.stage("scan", "scan", 1) as advance:
        advance(1)
    assert capsys.readouterr() == ("", "")
