"""A race from answers on record is the race itself."""

import os
from pathlib import Path

import numpy as np
import pytest
from benchmarks.replay import Contest

from ravine.plan.alternatives import WAYS

QUICK = {"model": "timm:test_resnet@random", "picture.size": 32, "epochs": 1, "head.l2": [0.1], "head.folds": 2}


@pytest.fixture
def contest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contest:
    monkeypatch.setenv("RAVINE_CACHE", os.environ.get("RAVINE_CACHE", ""))
    y = np.arange(60) % 3
    x = np.random.default_rng(0).integers(0, 120, (60, 20, 20, 3)) + 60 * np.eye(3, dtype=int)[y][:, None, None]
    names = np.array(["red", "green", "blue"])
    np.savez(tmp_path / "a.npz", x=x.astype(np.uint8), y=y, classes=names)
    return Contest(tmp_path / "a.npz", tmp_path / "cache", {**QUICK, "threads": 1}, seed=3)


def test_it_decides_as_the_race_itself(contest: Contest) -> None:
    replayed = contest.decided({way: contest.answered(way) for way in WAYS})
    real = contest.preparation.decide(None)
    assert replayed.chosen.name == real.chosen.name
    for one, other in zip(replayed.contestants, real.contestants, strict=True):
        assert (one.name, one.outcome, one.pictures, one.accuracy) == (
            other.name,
            other.outcome,
            other.pictures,
            other.accuracy,
        )
    assert replayed.seconds > 0
    assert contest.measured()["textbook"] in WAYS


def test_a_way_that_cannot_enter_says_why_and_the_others_are_raced(contest: Contest) -> None:
    settings = {**contest.settings, "class_balance": "sampling"}
    other = Contest(contest.source, contest.cache, settings, contest.seed)
    said = {way: other.answered(way) for way in ("head", "last1", "all")}
    assert "class_balance=weights" in said["head"]["failed"]
    assert other.decided(said).chosen.name in ("last1", "all")
