"""The command line: words in, answers and exit codes out."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ravine import cli

COLOURS = {"blue": (30, 60, 220), "red": (220, 40, 30)}


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path
) -> tuple[int, str, str]:
    """Run the command line in this process; its exit code, standard output and standard error."""
    monkeypatch.setattr(sys, "argv", ["ravine", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli") / "photos"
    for place, (label, colour) in enumerate(COLOURS.items()):
        (root / label).mkdir(parents=True)
        for number in range(10):
            noise = np.random.default_rng(100 * place + number).normal(0, 20, (10, 10, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def model(photos: Path) -> Path:
    from ravine.stories.fit import fit

    out = photos.parent / "run"
    fit(photos, out, settings={"model": "mlp", "model.width": 8, "epochs": 8})
    return out / "model.ravine"


def test_fit_prints_what_it_came_to(photos, tmp_path, capsys, monkeypatch):
    words = ("fit", photos, "--out", tmp_path / "run", "--epochs", 1, "--set", "model=mlp", "--seed", 2)
    code, out, err = run(capsys, monkeypatch, *words)
    assert code == 0
    assert out.startswith("test accuracy ")
    assert "train: " in err
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fit", "/nowhere"), "There is no file or folder"),
        (("fit", "demo", "--set", "optimizr=adam"), "Did you mean 'optimizer'?"),
        (("fit", "demo", "--set", "optimizer=addam"), "Did you mean 'adam'?"),
        (("fit", "demo", "--set", "optimizer"), "is not of the form name=value"),
        (("fit", "demo", "--set", "optimizer.lr=-1"), "optimizer.lr = -1.0 is outside its range"),
        (("fit", "demo", "--plan", "/nowhere.toml"), "There is no plan at"),
        (("fit", "demo", "--device", "tpu"), "Choose auto, cpu or cuda"),
        (("fit", "demo", "--budget", "soon"), "is no duration"),
        (("predict", "/nowhere", "x.png"), "There is no model file at"),
        (("techniques", "addam"), "Did you mean 'adam'?"),
        (("device", "/nowhere"), "There is no file or folder"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(words, message, tmp_path, capsys, monkeypatch):
    more = ("--out", tmp_path / "run") if words[0] == "fit" else ()
    code, out, err = run(capsys, monkeypatch, *words, *more)
    assert code == 2
    assert out == ""
    assert err.splitlines()[-1].startswith("ravine: ")
    assert message in err
    assert "Traceback" not in err


def test_an_unknown_option_offers_the_nearest(capsys, monkeypatch):
    code, _, err = run(capsys, monkeypatch, "fit", "demo", "--epoch", "3")
    assert code == 2
    assert "--epochs" in err


def test_predict_answers_the_good_files_and_names_the_bad_one(model, photos, tmp_path, capsys, monkeypatch):
    bad = tmp_path / "bad.jpg"
    bad.write_text("this is no picture")
    code, out, err = run(capsys, monkeypatch, "predict", model, photos / "red" / "0.png", bad, "--json")
    found = json.loads(out)
    assert code == 2
    assert set(found[0]) == {"path", "label", "confidence", "probabilities"}
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1)
    assert found[1]["path"] == str(bad)
    assert "bytes are not" in found[1]["error"]
    code, out, err = run(capsys, monkeypatch, "predict", model, photos / "red", bad)
    assert code == 2
    assert "red" in out
    assert str(bad) in err


def test_evaluate_prints_scores_at_the_top_level(model, photos, capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "evaluate", model, photos, "--json")
    scores = json.loads(out)
    assert code == 0
    assert {"accuracy", "accuracy_interval", "macro_f1", "nll", "brier", "ece", "n", "classes", "confusion"} == set(
        scores
    )
    assert scores["n"] == 20
    code, out, _ = run(capsys, monkeypatch, "evaluate", model, photos)
    assert f"accuracy {scores['accuracy']:.4f}" in out


def test_evaluate_refuses_classes_that_the_model_does_not_know(model, photos, tmp_path, capsys, monkeypatch):
    (tmp_path / "other").symlink_to(photos / "red")
    (tmp_path / "blue").symlink_to(photos / "blue")
    code, _, err = run(capsys, monkeypatch, "evaluate", model, tmp_path)
    assert code == 2
    assert "does not know these classes" in err


def test_check_says_what_can_be_used(photos, tmp_path, capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "check", photos, "--json")
    assert code == 0
    assert json.loads(out)["classes"] == {"blue": 10, "red": 10}
    for label in COLOURS:
        (tmp_path / label).mkdir()
        for number in range(3):
            (tmp_path / label / f"{number}.png").write_bytes((photos / label / f"{number}.png").read_bytes())
    (tmp_path / "red" / "empty.png").touch()
    (tmp_path / "red" / "copy.png").write_bytes((photos / "blue" / "0.png").read_bytes())
    code, out, _ = run(capsys, monkeypatch, "check", tmp_path)
    assert code == 0
    assert "set aside: 1" in out
    assert "the same picture under two labels: 1" in out


def test_device_prints_a_table_or_json(capsys, monkeypatch):
    from ravine.stories import device as story

    figures = story.Probe("cpu", "CPU", 1e11, None, 2e-6, 2e-6, 1e10)
    monkeypatch.setattr(story, "probe", lambda *_: figures)
    monkeypatch.setattr(story, "disk_rates", lambda _: None)
    monkeypatch.setattr(story, "DECODE_SECONDS", 0.0)
    code, out, _ = run(capsys, monkeypatch, "device", "--set", "model=mlp", "--json")
    assert code == 0
    assert json.loads(out)["step"]["model"] == "mlp"
    code, out, _ = run(capsys, monkeypatch, "device")
    assert code == 0
    assert "GFLOP/s" in out


def test_techniques_lists_all_and_explains_one(capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "techniques")
    assert code == 0
    assert "adam " in out
    code, out, _ = run(capsys, monkeypatch, "techniques", "adam")
    assert code == 0
    assert "Kingma" in out
    assert "optimizer.beta1 = 0.9   in [0, 1)" in out


def test_help_is_quick_since_nothing_heavy_is_imported():
    heavy = ("torch", "numpy", "sklearn", "plotly")
    script = f"import sys\nfrom ravine import cli\nprint([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_version(capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "--version")
    assert (code, out.split()[0]) == (0, "ravine")


def test_help_imports_nothing_heavy_and_names_every_command():
    script = (
        "import sys\nfrom ravine import cli\nsys.argv = ['ravine', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.endswith("False False\n")
    assert all(command in out for command in ("fit", "predict", "evaluate", "check", "device", "techniques"))


def test_a_run_that_is_there_already_is_refused_and_resumed_at_once(photos, model, capsys, monkeypatch):
    code, _, err = run(capsys, monkeypatch, "fit", photos, "--out", model.parent)
    assert code == 2
    assert "already holds a run" in err
    assert "--resume" in err
    before = model.stat().st_mtime_ns
    code, out, _ = run(capsys, monkeypatch, "fit", photos, "--out", model.parent, "--resume")
    assert code == 0
    assert out.startswith("test accuracy ")
    assert model.stat().st_mtime_ns == before


def test_predict_takes_folders_and_shows_a_row_a_picture(model, photos, capsys, monkeypatch):
    code, out, err = run(capsys, monkeypatch, "predict", model, photos)
    assert code == 0
    assert len(out.splitlines()) == 21
    code, out, err = run(capsys, monkeypatch, "predict", model, photos / "nowhere.png")
    assert code == 2
    assert "There is no file or folder" in err


def test_the_package_runs_as_a_module() -> None:
    said = subprocess.run([sys.executable, "-m", "ravine", "--help"], capture_output=True, text=True, check=True).stdout
    assert "ravine" in said
    assert "fit" in said
