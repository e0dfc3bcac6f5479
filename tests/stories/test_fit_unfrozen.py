"""`ravine.fit` where stages of a pretrained body are trained after the head."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ravine
from ravine.plan.toml import loads
from ravine.stories import folder

SETTINGS = {"model": "timm:test_resnet@random", "picture.size": 32, "head.folds": 2, "epochs": 2, "graph": "eager"}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes of noisy pictures of one colour."""
    chance = np.random.default_rng(0)
    for place, label in enumerate(("blue", "green", "red")):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(9):
            pixels = chance.integers(0, 150, (70, 70, 3))
            pixels[..., 2 - place] += 100
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize("transfer", ["last1", "last2", "all"])
def test_from_a_folder_to_a_file_that_answers(photos: Path, tmp_path: Path, transfer: str) -> None:
    result = ravine.fit(photos, tmp_path / "run", settings=SETTINGS | {"transfer": transfer})
    assert result.validation["n"] + result.test["n"] < 27
    plan = loads((result.path / folder.PLAN).read_text(encoding="utf-8"))
    assert (plan.transfer, plan.picture.size, plan.epochs) == (transfer, 32, 2)
    pixels = np.asarray(Image.open(photos / "red" / "3.png"))
    said, again = (model.predict(pixels)[0] for model in (result.model, ravine.load(result.path / folder.MODEL)))
    assert said.probabilities == again.probabilities
    assert result.report.is_file()


def test_a_budget_leaves_at_least_one_epoch(photos: Path, tmp_path: Path) -> None:
    settings = {name: value for name, value in SETTINGS.items() if name != "epochs"}
    for budget, most in (("1s", 8), ("1h", 8)):
        result = ravine.fit(photos, tmp_path / budget, budget=budget, settings=settings | {"transfer": "last1"})
        plan = loads((result.path / folder.PLAN).read_text(encoding="utf-8"))
        assert 1 <= (plan.epochs or 0) <= most
        assert budget == "1s" or plan.epochs == most
