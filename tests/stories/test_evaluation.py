"""A model judged on labelled pictures."""

from pathlib import Path

import numpy as np
import pytest

import ravine
from ravine.stories.evaluation import facts

RNG = np.random.default_rng(0)
NAMES = ("dark", "light", "middle")


def _arrays(path: Path, count: int, order: tuple[str, ...] = NAMES, **more: np.ndarray) -> Path:
    labels = np.array([order[number % len(order)] for number in range(count)])
    level = {"dark": 40, "middle": 128, "light": 215}
    x = np.stack([RNG.normal(level[label], 15, (9, 9)) for label in labels])
    np.savez(path, x=np.clip(x, 0, 255).astype(np.uint8), y=labels, classes=np.array(order), **more)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("evaluation")
    settings = {"model": "mlp", "model.width": 8, "optimizer": "adam", "optimizer.lr": 0.02, "epochs": 20}
    ravine.fit(_arrays(root / "train.npz", 90), root / "run", settings=settings)
    return root / "run" / "model.ravine"


def test_another_order_of_classes_changes_no_score(model: Path, tmp_path: Path) -> None:
    scores = ravine.evaluate(model, _arrays(tmp_path / "a.npz", 60, ("middle", "dark", "light")))
    assert scores.n == 60
    assert scores.accuracy > 0.9
    assert [row.name for row in scores.classes] == list(NAMES)


def test_only_some_of_the_classes_may_occur(model: Path, tmp_path: Path) -> None:
    scores = ravine.evaluate(model, _arrays(tmp_path / "a.npz", 40, ("light", "dark")))
    assert scores.accuracy > 0.9
    assert [row.n for row in scores.classes] == [20, 20, 0]


def test_where_a_test_part_is_marked_only_that_is_judged(model: Path, tmp_path: Path) -> None:
    split = np.array(["test"] * 12 + ["train"] * 48)
    assert ravine.evaluate(model, _arrays(tmp_path / "a.npz", 60, split=split)).n == 12


def test_the_scores_are_those_of_what_predict_says(model: Path, tmp_path: Path) -> None:
    source = _arrays(tmp_path / "a.npz", 30)
    scores = ravine.evaluate(model, source)
    with np.load(source) as arrays:
        found = ravine.load(model).predict(list(arrays["x"]))
        right = [one.label == label for one, label in zip(found, arrays["y"], strict=True)]
        chosen = [one.probabilities[label] for one, label in zip(found, arrays["y"], strict=True)]
    assert scores.accuracy == np.mean(right)
    assert scores.nll == pytest.approx(-np.log(chosen).mean(), rel=1e-5)


def test_facts_are_plain_values(model: Path, tmp_path: Path) -> None:
    import json

    found = json.loads(json.dumps(facts(ravine.evaluate(model, _arrays(tmp_path / "a.npz", 30))), allow_nan=False))
    assert np.sum(found["confusion"]) == 30
    assert [row["name"] for row in found["classes"]] == list(NAMES)


def test_unknown_classes_are_named(model: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.npz"
    np.savez(source, x=np.zeros((4, 9, 9), np.uint8), y=np.array(["dark", "dark", "pink", "pink"]))
    with pytest.raises(
        ravine.SourceError, match=r"does not know these classes of .*: pink\. It knows dark, light, middle"
    ):
        ravine.evaluate(model, source)
