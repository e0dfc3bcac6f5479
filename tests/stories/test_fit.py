"""`ravine.fit` on real sources of every kind, from pictures to files."""

import csv
import json
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ravine
from ravine.base.errors import OutputError, PlanError
from ravine.stories import folder

QUICK = {"model": "mlp", "model.width": 8, "model.depth": 1, "epochs": 2}
COLOURS = {"blue": (30, 60, 220), "green": (40, 200, 60), "red": (220, 40, 30)}


def picture(label: str, number: int, size: int = 12) -> np.ndarray:
    """A noisy picture of one colour."""
    noise = np.random.default_rng(number).normal(0, 25, (size, size, 3))
    return np.clip(np.array(COLOURS[label]) + noise, 0, 255).astype(np.uint8)


def class_folders(root: Path) -> Path:
    for place, label in enumerate(COLOURS):
        (root / label).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(picture(label, 100 * place + number)).save(root / label / f"{number:02}.png")
    return root


def table(root: Path) -> Path:
    folders = class_folders(root / "pictures")
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for path in sorted(folders.rglob("*.png")):
            part = "test" if int(path.stem) < 4 else "validation" if int(path.stem) < 6 else "train"
            writer.writerow([path.relative_to(root), path.parent.name, part])
    return root / "table.csv"


def arrays(root: Path) -> Path:
    labels = np.array([label for label in COLOURS for _ in range(12)])
    x = np.stack([picture(label, number) for number, label in enumerate(labels)])
    np.savez(root / "pictures.npz", x=x, y=labels, classes=np.array(["red", "green", "blue"]))
    return root / "pictures.npz"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> ravine.Result:
    root = tmp_path_factory.mktemp("fit")
    return ravine.fit(class_folders(root / "photos"), out=root / "run", settings=QUICK, seed=3)


@pytest.mark.parametrize("source", [class_folders, table, arrays])
def test_every_kind_of_source_gives_a_model(source, tmp_path):
    result = ravine.fit(
        source(tmp_path / "data" if source is class_folders else tmp_path), tmp_path / "run", settings=QUICK
    )
    assert {path.name for path in result.path.iterdir()} == set(folder.PURPOSES)
    assert result.model.predict(picture("red", 999))[0].label in COLOURS
    assert set(result.model.classes) == set(COLOURS)


def test_class_order_follows_the_array_that_names_it(tmp_path):
    result = ravine.fit(arrays(tmp_path), tmp_path / "run", settings=QUICK)
    assert result.model.classes == ("red", "green", "blue")
    assert list(result.model.predict(picture("red", 0))[0].probabilities) == ["red", "green", "blue"]


def test_a_given_split_is_respected(tmp_path):
    result = ravine.fit(table(tmp_path), tmp_path / "run", settings=QUICK)
    rows = list(csv.DictReader((result.path / folder.SPLIT).read_text(encoding="utf-8").splitlines()))
    for row in rows:
        number = int(Path(row["name"]).stem)
        assert row["part"] == ("test" if number < 4 else "validation" if number < 6 else "train")


def test_result_json_says_what_it_promises(finished):
    summary = json.loads((finished.path / folder.RESULT).read_text(encoding="utf-8"))
    measures = {"accuracy", "accuracy_interval", "macro_f1", "nll", "brier", "ece", "n"}
    assert measures <= set(summary["test"])
    assert measures <= set(summary["validation"])
    assert {"total", "scan", "pack", "features", "train", "evaluate"} <= set(summary["seconds"])
    assert summary["seed"] == 3
    assert {"model", "versions", "selection_metric", "agreement"} <= set(summary)
    assert summary["test"] == finished.model.scores


def test_metrics_hold_a_line_an_epoch_of_each_run(finished):
    lines = [json.loads(line) for line in (finished.path / folder.METRICS).read_text(encoding="utf-8").splitlines()]
    assert [(line["run"], line["epoch"]) for line in lines] == [
        ("choose", 1),
        ("choose", 2),
        ("refit", 1),
        ("refit", 2),
    ]
    assert lines[0]["validation_nll"] is not None
    assert lines[2]["validation_nll"] is None


def test_the_plan_file_repeats_the_run_bit_for_bit(finished, tmp_path):
    again = ravine.fit(finished.path.parent / "photos", tmp_path / "again", plan=finished.path / folder.PLAN)
    assert (again.path / folder.MODEL).read_bytes() == (finished.path / folder.MODEL).read_bytes()
    assert (again.path / folder.PLAN).read_text() == (finished.path / folder.PLAN).read_text()


def test_settings_go_before_the_plan_file(finished, tmp_path):
    again = ravine.fit(
        finished.path.parent / "photos",
        tmp_path / "again",
        plan=finished.path / folder.PLAN,
        settings={"optimizer": "adam", "optimizer.lr": 0.02},
    )
    text = (again.path / folder.PLAN).read_text(encoding="utf-8")
    assert 'name = "adam"' in text
    assert "lr = 0.02" in text


def test_a_folder_that_holds_a_run_is_not_overwritten(finished):
    with pytest.raises(OutputError, match="already holds a run"):
        ravine.fit(finished.path.parent / "photos", finished.path, settings=QUICK)


def test_resuming_a_finished_run_returns_it(finished):
    again = ravine.fit("a source that is not even looked at", finished.path, resume=True)
    assert again.summary == finished.summary


def test_a_place_that_cannot_be_written_is_an_error_before_any_work(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="Nothing can be written"):
        ravine.fit("a source that is not even looked at", tmp_path / "file" / "run")


def test_members_compete_and_the_best_is_kept(tmp_path):
    settings = QUICK | {"optimizer": "adam", "optimizer.lr": [1e-6, 0.02], "refit": False}
    result = ravine.fit(arrays(tmp_path), tmp_path / "run", settings=settings, members=2)
    assert result.model.members == (1,)
    last = [json.loads(line) for line in (result.path / folder.METRICS).read_text().splitlines()][-2:]
    assert last[1]["validation_nll"] < last[0]["validation_nll"]


def test_a_budget_limits_the_epochs_and_is_written_down(tmp_path):
    result = ravine.fit(arrays(tmp_path), tmp_path / "run", settings={"model": "mlp"}, budget="1s")
    text = (result.path / folder.PLAN).read_text(encoding="utf-8")
    assert int(text.partition("epochs = ")[2].partition("\n")[0]) >= 1


def test_budget_and_epochs_contradict_each_other(tmp_path):
    with pytest.raises(PlanError, match="Give one of them"):
        ravine.fit("demo", tmp_path / "run", budget="1m", epochs=3)


def test_a_test_part_is_needed(tmp_path):
    with pytest.raises(PlanError, match="No picture is left to test on"):
        ravine.fit(arrays(tmp_path), tmp_path / "run", settings=QUICK | {"split.test": 0.0})


def test_nothing_reaches_the_network(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert ravine.fit(arrays(tmp_path), tmp_path / "run", settings=QUICK).test["n"] > 0


def test_photographs_get_a_head_on_a_frozen_body(tmp_path):
    root = tmp_path / "photos"
    for place, label in enumerate(COLOURS):
        (root / label).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(picture(label, 100 * place + number, size=90)).save(root / label / f"{number}.png")
    settings = {"model": "timm:test_resnet@random", "head.folds": 2}
    result = ravine.fit(root, tmp_path / "run", settings=settings)
    assert result.seconds["features"] > 0
    assert result.validation["n"] + result.test["n"] == 18
    pixels = picture("red", 7, size=90)
    assert (
        result.model.predict(pixels)[0].probabilities
        == ravine.load(result.path / folder.MODEL).predict(pixels)[0].probabilities
    )
    with pytest.raises(PlanError, match="epochs has no effect with transfer=head"):
        ravine.fit(root, tmp_path / "other", settings=settings, epochs=3)


def test_an_ensemble_is_one_model_and_says_where_its_members_disagree(tmp_path: Path) -> None:
    result = ravine.fit(arrays(tmp_path), tmp_path / "run", members=2, settings=QUICK | {"ensemble": "independent"})
    assert result.summary["ensemble"].startswith("independent, the mean of the probabilities of 2 networks")
    assert set(result.summary["disagreement"]) == {"right_nats", "wrong_nats"}
    page = result.report.read_text(encoding="utf-8")
    assert "Where the networks disagree" in page
    assert "The answer is that of an ensemble: independent" in page
