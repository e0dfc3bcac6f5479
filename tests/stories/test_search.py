"""`ravine.fit` with many configurations, most of which end early."""

import json
from pathlib import Path

import numpy as np
import pytest

import ravine
from ravine.base.errors import PlanError
from ravine.plan.rungs import Rung
from ravine.plan.toml import loads
from ravine.stories import folder

RATES = np.geomspace(1e-4, 0.5, 16).tolist()
SETTINGS = {
    "model": "mlp",
    "model.width": 4,
    "model.depth": 1,
    "epochs": 4,
    "optimizer.lr": RATES,
    "rungs": [{"epoch": 1, "keep": 6}, {"epoch": 2, "keep": 2}],
}


def test_a_search_is_in_the_record_the_plan_and_on_the_page_and_its_plan_repeats_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    pictures = np.clip(rng.normal(60 + 60 * labels[:, None, None], 50, (90, 8, 8)), 0, 255).astype(np.uint8)
    np.savez(tmp_path / "data.npz", x=pictures, y=labels)
    result = ravine.fit(tmp_path / "data.npz", tmp_path / "run", settings=SETTINGS, members=16)
    candidates = result.summary["candidates"]
    notes = [one["note"] for one in candidates]
    assert [note.split(";")[0] for note in notes] == [f"optimizer.lr {rate:.3g}" for rate in RATES]
    assert [sum(f"ended after epoch {epoch}" in note for note in notes) for epoch in (1, 2)] == [10, 4]
    assert sum(one["chosen"] for one in candidates) == 1
    lines = [json.loads(line) for line in (result.path / folder.METRICS).read_text(encoding="utf-8").splitlines()]
    searched = [line["epoch"] for line in lines if line["run"] == "choose"]
    assert [searched.count(epoch) for epoch in (1, 2, 3, 4)] == [16, 6, 2, 2]
    page = result.report.read_text(encoding="utf-8")
    assert page.count("ended after epoch 1") == 10
    assert "4 further candidates" in page
    plan = loads((result.path / folder.PLAN).read_text(encoding="utf-8"))
    assert [(rung.epoch, rung.keep) for rung in plan.rungs] == [(1, 6), (2, 2)]
    assert all(isinstance(rung, Rung) and rung.execution for rung in plan.rungs)
    again = ravine.fit(tmp_path / "data.npz", tmp_path / "again", plan=result.path / folder.PLAN)
    assert again.summary["test"] == result.summary["test"]
    assert again.summary["candidates"] == candidates


def test_a_budget_counts_only_those_that_are_left(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.integers(0, 256, (60, 8, 8), dtype=np.uint8), y=np.arange(60) % 3)
    result = ravine.fit(tmp_path / "data.npz", tmp_path / "run", settings=SETTINGS, members=16, budget="10m")
    assert loads((result.path / folder.PLAN).read_text(encoding="utf-8")).epochs == 4


def test_a_budget_that_ends_before_a_rung_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ravine.stories.fit.affordable_epochs", lambda *_: 2)
    np.savez(
        tmp_path / "data.npz",
        x=np.zeros((60, 8, 8), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None],
        y=np.arange(60) % 3,
    )
    with pytest.raises(PlanError, match="The budget allows 2 epochs, and a rung is after epoch 2 of 4"):
        ravine.fit(tmp_path / "data.npz", tmp_path / "run", settings=SETTINGS, members=16, budget="1s")
