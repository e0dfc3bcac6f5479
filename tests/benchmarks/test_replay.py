"""A race whose trainings are kept is the race itself, and a candidate's answers are those of a fit."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.replay import Contest, unpressed

import ravine
from ravine.plan.alternatives import WAYS
from ravine.plan.plan import FROZEN

QUICK = {"model": "timm:test_resnet@random", "picture.size": 32, "epochs": 1, "head.l2": [0.1], "head.folds": 2}


class Shelf(dict[tuple[str, int], Mapping[str, Any]]):
    """Keeps in memory."""

    def keep(self, name: str, number: int, work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """See `Keep`."""
        if (name, number) not in self:
            self[name, number] = work()
        return self[name, number]


@pytest.fixture
def contest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contest:
    monkeypatch.setenv("RAVINE_CACHE", os.environ.get("RAVINE_CACHE", ""))
    y = np.arange(75) % 3
    x = np.random.default_rng(0).integers(0, 120, (75, 20, 20, 3)) + 60 * np.eye(3, dtype=int)[y][:, None, None]
    names, part = np.array(["red", "green", "blue"]), np.where(np.arange(75) < 60, "train", "test")
    np.savez(tmp_path / "pictures.npz", x=x.astype(np.uint8), y=y, classes=names, split=part)
    settings = {**QUICK, "threads": 1}
    return Contest(lambda: tmp_path / "pictures.npz", tmp_path / "cache", settings, seed=3)


def test_it_decides_as_the_race_itself_and_trains_once(contest: Contest) -> None:
    shelf = Shelf()
    first = contest.decided(shelf.keep)
    trained = len(shelf)
    again = contest.decided(shelf.keep)
    assert len(shelf) == trained
    real = contest.preparation.decide(None)
    for kept in (first, again):
        assert kept.chosen.name == real.chosen.name
        for one, other in zip(kept.contestants, real.contestants, strict=True):
            told = (one.name, one.outcome, one.pictures, one.accuracy)
            assert told == (other.name, other.outcome, other.pictures, other.accuracy)
    assert first.seconds == again.seconds > 0
    assert contest.measured()["textbook"] in WAYS


@pytest.mark.parametrize("way", WAYS)
def test_a_candidate_answers_as_a_fit_of_it_does(contest: Contest, tmp_path: Path, way: str) -> None:
    found = contest.fitted(way)
    unused = ("epochs",) if way in FROZEN else ("model", "head.l2", "head.folds") if way == "scratch" else ()
    settings = {name: value for name, value in contest.settings.items() if name not in unused} | {"transfer": way}
    fit = ravine.fit(contest.source(), tmp_path / "out", seed=contest.seed, settings=settings)
    assert found["accuracy"] == fit.summary["test"]["accuracy"] == unpressed(found["right"], 15).mean()


def test_a_way_that_cannot_enter_says_why_and_the_others_are_raced(contest: Contest) -> None:
    settings = {**contest.settings, "class_balance": "sampling"}
    other = Contest(contest.source, contest.cache, settings, contest.seed)
    assert "class_balance=weights" in other.fitted("head")["failed"]
    decision = other.decided(Shelf().keep)
    assert decision.chosen.name not in ("head", "depth")
    assert decision.contestants[0].outcome == "refused"
