"""`ravine.fit` where something is wrong or unusual."""

import csv
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ravine
from ravine.base.errors import OutputError, PlanError, SourceError, TrainingError
from ravine.stories import folder

QUICK = {"model": "mlp", "model.width": 4, "model.depth": 1, "epochs": 1}
RNG = np.random.default_rng(0)


def _folders(root: Path, count: int = 6, size: int = 10) -> Path:
    for level, label in ((60, "dark"), (190, "light")):
        (root / label).mkdir(parents=True)
        for number in range(count):
            pixels = RNG.normal(level, 20, (size, size + number % 2, 3))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(root / label / f"{number}.png")
    return root


def test_bad_files_are_set_aside_by_name_and_nothing_is_lost(tmp_path: Path) -> None:
    photos = _folders(tmp_path / "photos")
    whole = (photos / "dark" / "0.png").read_bytes()
    bad = {"empty.png": b"", "cut.png": whole[: len(whole) // 2], "text.jpg": b"this is no picture"}
    for name, content in bad.items():
        (photos / "light" / name).write_bytes(content)
    (photos / "light" / "copy.png").write_bytes(whole)
    result = ravine.fit(photos, tmp_path / "run", settings=QUICK)
    data = result.summary["data"]
    assert {row["name"] for row in data["set_aside"]} == {f"light/{name}" for name in bad}
    assert [{row["name"] for row in rows} for rows in data["under_two_labels"]] == [{"dark/0.png", "light/copy.png"}]
    rows = list(csv.DictReader((result.path / folder.SPLIT).read_text(encoding="utf-8").splitlines()))
    assert {row["name"] for row in rows} | {f"light/{name}" for name in bad} == {
        path.relative_to(photos).as_posix() for path in photos.rglob("*.*")
    }
    assert len({row["part"] for row in rows if row["name"] in ("dark/0.png", "light/copy.png")}) == 1
    page = result.report.read_text(encoding="utf-8")
    assert all(name in page for name in bad)


def test_a_failed_member_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    settings = QUICK | {"optimizer": "sgd", "optimizer.lr": [1e30, 0.01], "epochs": 3}
    result = ravine.fit(_folders(tmp_path / "photos", 12), tmp_path / "run", settings=settings, members=2)
    assert result.summary["failed_members"] == [0]
    assert result.model.members == (1,)
    assert math.isfinite(result.test["nll"])
    assert "Member 1 failed" in result.report.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in (result.path / folder.METRICS).read_text(encoding="utf-8").splitlines()]
    assert [line["validation_nll"] for line in lines if line["member"] == 0 and line["run"] == "choose"][-1] is None


def test_when_every_member_fails_nothing_is_written(tmp_path: Path) -> None:
    settings = QUICK | {"optimizer": "sgd", "optimizer.lr": 1e30}
    with pytest.raises(TrainingError, match=r"Choose a smaller optimizer\.lr"):
        ravine.fit(_folders(tmp_path / "photos"), tmp_path / "run", settings=settings)
    assert not (tmp_path / "run").exists()


def test_a_run_that_broke_off_can_be_started_again_with_resume(tmp_path: Path) -> None:
    photos = _folders(tmp_path / "photos")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / folder.MODEL).write_bytes(b"half")
    with pytest.raises(OutputError, match="already holds a run"):
        ravine.fit(photos, tmp_path / "run", settings=QUICK)
    assert ravine.fit(photos, tmp_path / "run", settings=QUICK, resume=True).model.classes == ("dark", "light")


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    ravine.fit(_folders(tmp_path / "photos"), tmp_path / "run", settings=QUICK)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*folder.PURPOSES, "notes.txt"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(OutputError, match=r"Nothing can be written to .*Permission denied"):
        ravine.fit("demo", tmp_path / "shut" / "run", settings=QUICK)


@pytest.mark.parametrize("source", [".", "..", "photos/", "./photos", "photos/../photos"])
def test_the_folder_of_a_run_is_called_after_its_source(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = {".": "photos", "..": "photos/dark"}.get(source, "")
    _folders(tmp_path / "photos")
    monkeypatch.chdir(tmp_path / inside)
    result = ravine.fit(source, settings=QUICK)
    assert result.path == Path("runs") / "photos"
    assert (Path("runs") / "photos" / folder.RESULT).is_file()


def test_a_single_class_and_a_class_with_one_picture_are_errors(tmp_path: Path) -> None:
    photos = _folders(tmp_path / "photos")
    for path in list((photos / "dark").iterdir())[1:]:
        path.unlink()
    with pytest.raises(SourceError, match="'dark'"):
        ravine.fit(photos, tmp_path / "run", settings=QUICK)
    next((photos / "dark").iterdir()).unlink()
    with pytest.raises(SourceError, match="at least two"):
        ravine.fit(photos, tmp_path / "run", settings=QUICK)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00model", b"model = ", b"optimizr = 'adam'\n"])
def test_a_plan_file_that_is_none_is_an_error_that_names_it(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(PlanError, match=r"mine\.toml|Did you mean 'optimizer'"):
        ravine.fit("demo", tmp_path / "run", plan=tmp_path / "mine.toml")


def test_a_device_that_is_not_here_is_an_error_also_when_a_plan_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PlanError, match="finds no CUDA device here"):
        ravine.fit(_folders(tmp_path / "photos"), tmp_path / "run", settings=QUICK | {"device": "cuda"})


def test_a_network_that_no_memory_holds_is_an_error(tmp_path: Path) -> None:
    settings = QUICK | {"model.width": 10**12}
    with pytest.raises(TrainingError, match="not enough memory"):
        ravine.fit(_folders(tmp_path / "photos"), tmp_path / "run", settings=settings)


def test_the_least_pictures_that_can_be_divided(tmp_path: Path) -> None:
    result = ravine.fit(_folders(tmp_path / "photos", 3), tmp_path / "run", settings=QUICK)
    assert result.test["n"] == 2
    assert result.validation is not None
    assert result.validation["n"] == 2


def test_without_validation_pictures_the_report_and_the_result_say_so(tmp_path: Path) -> None:
    settings = QUICK | {"split.validation": 0.0}
    result = ravine.fit(_folders(tmp_path / "photos"), tmp_path / "run", settings=settings)
    assert result.validation is None
    assert result.model.temperature == 1.0
    assert result.report.is_file()


def test_photos_get_the_packaged_body_and_the_same_plan_gives_the_same_file(tmp_path: Path) -> None:
    """The real backbone on twelve pictures of 90 pixels."""
    photos = _folders(tmp_path / "photos", 6, size=90)
    result = ravine.fit(photos, tmp_path / "run", settings={"head.folds": 2, "head.l2": [0.001, 0.1], "threads": 1})
    plan = (result.path / folder.PLAN).read_text(encoding="utf-8")
    assert 'timm = "tf_efficientnet_lite0"' in plan
    assert result.test["accuracy"] == 1.0
    assert result.validation is not None
    assert (result.validation["n"], result.test["n"]) == (10, 2)
    assert "out of fold" in result.validation["pictures"] or "held out" in result.validation["pictures"]
    again = ravine.fit(photos, tmp_path / "again", plan=result.path / folder.PLAN)
    assert (again.path / folder.MODEL).read_bytes() == (result.path / folder.MODEL).read_bytes()
