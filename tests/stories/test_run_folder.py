"""The folder of a run is checked first and made last, so that a run that fails leaves none."""

from pathlib import Path

import pytest

from ravine.base.errors import PlanError
from ravine.stories import folder
from ravine.stories.fit import fit


def test_a_check_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "first"
    assert folder.prepare(out, resume=False) is False
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    folder.prepare(tmp_path / "runs", resume=False)
    folder.prepare(tmp_path / "runs" / "first", resume=False)
    assert list(tmp_path.rglob("*")) == [tmp_path / "runs"]


def test_a_fit_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="There is no plan"):
        fit(tmp_path, tmp_path / "runs" / "first", plan=tmp_path / "none.toml")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder.make(tmp_path / "runs" / "first")
    assert list(tmp_path.rglob("*")) == [tmp_path / "runs", tmp_path / "runs" / "first"]
