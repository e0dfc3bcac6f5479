"""`ravine.fit` with transfer=auto, from pictures to files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ravine
from ravine.base.errors import PlanError
from ravine.data.split import Split
from ravine.models.backbone import Backbone
from ravine.plan.alternatives import WAYS, alternatives
from ravine.plan.facts import Facts
from ravine.plan.toml import wishes
from ravine.stories import folder
from ravine.stories.choosing import final_trainings
from ravine.stories.terminal import show_result

QUICK = {"transfer": "auto", "picture.size": 32, "epochs": 1, "head.folds": 2, "head.l2": [0.01, 0.1], "threads": 1}
FREE = 48
"""Pictures that are not for testing, of 60."""


def pictures(root: Path) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = rng.integers(0, 120, (60, 20, 20, 3)) + 60 * (np.arange(3) == y[:, None])[:, None, None, :]
    np.savez(root / "a.npz", x=x.astype(np.uint8), y=y, classes=np.array(["red", "green", "blue"]))
    return root / "a.npz"


def body(root: Path) -> str:
    torch.manual_seed(1)
    torch.save(Backbone("test_resnet", "random").load_pretrained().state_dict(), root / "body.pth")
    return f"timm:test_resnet@{root / 'body.pth'}"


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> ravine.Result:
    root = tmp_path_factory.mktemp("auto")
    return ravine.fit(pictures(root), root / "run", settings={**QUICK, "model": body(root)}, seed=2)


def test_every_way_is_raced_and_one_is_fitted(decided: ravine.Result) -> None:
    found = decided.summary["transfer"]
    assert tuple(one["name"] for one in found["contestants"]) == WAYS
    assert [one["outcome"] for one in found["contestants"]].count("chosen") == 1
    assert all(one["outcome"] not in ("failed", "refused", "skipped") for one in found["contestants"])
    assert all(one["pictures"] >= FREE // 5 for one in found["contestants"])
    assert f'transfer = "{found["chosen"]}"' in (decided.path / folder.PLAN).read_text(encoding="utf-8")
    assert decided.test["accuracy"] > 0.6
    assert set(decided.seconds) >= {"race", "features", "total"}


def test_the_measured_cell_and_the_confidence_are_told(decided: ravine.Result) -> None:
    found = decided.summary["transfer"]
    assert found["cell"][0] in ("small", "large")
    assert found["textbook"] in WAYS
    assert found["by_number_alone"] == "head"
    assert 0.5 < found["confidence"] < 1
    assert found["verdict"].startswith("Ravine trained")
    assert json.loads((decided.path / folder.RESULT).read_text(encoding="utf-8"))["transfer"] == found


def test_the_report_and_the_terminal_show_the_race(decided: ravine.Result, capsys: pytest.CaptureFixture[str]) -> None:
    page = decided.report.read_text(encoding="utf-8")
    assert "Chosen by a race of 6 ways to transfer" in page
    show_result(decided)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : len(WAYS) + 1]] == list(WAYS)
    assert decided.summary["transfer"]["verdict"] in lines[len(WAYS) + 1]


def test_the_plan_of_the_winner_repeats_the_same_bits(decided: ravine.Result, tmp_path: Path) -> None:
    source = Path(decided.summary["data"]["source"]["origin"])
    again = ravine.fit(source, tmp_path / "run", plan=decided.path / folder.PLAN)
    assert again.summary["transfer"] is None
    first, second = (result.model.network.state_dict() for result in (decided, again))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert (decided.path / folder.SPLIT).read_bytes() == (again.path / folder.SPLIT).read_bytes()


def test_the_test_pictures_are_those_of_the_usual_head(decided: ravine.Result, tmp_path: Path) -> None:
    source = Path(decided.summary["data"]["source"]["origin"])
    usual = {**QUICK, "transfer": "head", "model": body(tmp_path), "picture.size": 32}
    del usual["epochs"]
    head = ravine.fit(source, tmp_path / "run", settings=usual, seed=2)
    tests = [
        [line for line in (one.path / folder.SPLIT).read_text(encoding="utf-8").splitlines() if line.endswith("test")]
        for one in (decided, head)
    ]
    assert tests[0] == tests[1]


def test_a_training_that_fails_does_not_sink_the_race(tmp_path: Path) -> None:
    settings = {**QUICK, "model": "timm:test_resnet@random", "optimizer": "sgd", "optimizer.lr": 1e30}
    found = ravine.fit(pictures(tmp_path), tmp_path / "run", settings=settings).summary["transfer"]
    outcomes = {one["name"]: one["outcome"] for one in found["contestants"]}
    assert {outcomes[name] for name in ("last1", "last2", "all", "scratch")} == {"failed"}
    assert found["chosen"] in ("head", "depth")
    assert all(one["accuracy"] is None for one in found["contestants"] if one["outcome"] == "failed")


def test_a_way_that_a_setting_does_not_allow_is_named(tmp_path: Path) -> None:
    settings = {**QUICK, "model": "timm:test_resnet@random", "class_balance": "sampling"}
    found = ravine.fit(pictures(tmp_path), tmp_path / "run", settings=settings).summary["transfer"]
    refused = [one for one in found["contestants"] if one["outcome"] == "refused"]
    assert [one["name"] for one in refused] == ["head", "depth"]
    assert "class_balance=weights" in refused[0]["note"]
    assert found["chosen"] in ("last1", "last2", "all", "scratch")


def test_an_ensemble_that_could_gather_nothing_refuses_its_ways_before_the_race(tmp_path: Path) -> None:
    settings = {**QUICK, "model": "timm:test_resnet@random", "ensemble": "snapshot", "schedule": "constant"}
    found = ravine.fit(pictures(tmp_path), tmp_path / "run", settings=settings).summary["transfer"]
    refused = {one["name"]: one["note"] for one in found["contestants"] if one["outcome"] == "refused"}
    assert list(refused) == ["last1", "last2", "all", "scratch"]
    assert all("needs a learning rate that goes up again" in note for note in refused.values())


def test_without_time_the_head_is_fitted_and_the_others_say_what_they_would_take(tmp_path: Path) -> None:
    settings = {**QUICK, "model": "timm:test_resnet@random"}
    del settings["epochs"]
    result = ravine.fit(pictures(tmp_path), tmp_path / "run", settings=settings, budget="0.001s")
    found = result.summary["transfer"]
    assert found["chosen"] == "head"
    assert {one["outcome"] for one in found["contestants"][1:]} == {"skipped"}
    assert all("It would take about" in one["note"] for one in found["contestants"])


def test_rungs_beside_a_budget_are_refused_before_the_race(tmp_path: Path) -> None:
    settings = {**QUICK, "model": "timm:test_resnet@random", "members": 2, "rungs": [{"epoch": 1, "keep": 1}]}
    del settings["epochs"]
    with pytest.raises(PlanError, match="Leave out budget or rungs"):
        ravine.fit(pictures(tmp_path), tmp_path / "run", settings=settings, budget="60s")
    assert not (tmp_path / "run").exists()


def test_a_network_without_a_body_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"model=mlp has none\. Choose model=timm:NAME"):
        ravine.fit(tmp_path / "nothing", tmp_path / "run", settings={"transfer": "auto", "model": "mlp"})


def test_a_way_that_there_is_not_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no transfer 'atuo'\. Did you mean 'auto'\?"):
        ravine.fit(tmp_path / "nothing", tmp_path / "run", settings={"transfer": "atuo"})


@pytest.mark.parametrize(
    ("way", "settings", "trainings"),
    [
        ("head", {}, 1.0),
        ("last1", {}, 1.8),
        ("last1", {"split.validation": 0.2}, 0.75 + 1),
        ("all", {"refit": False}, 0.8),
        ("scratch", {}, 65 / 80 + 1),
        ("scratch", {"refit": False, "members": 3}, 3 * 65 / 80),
        ("scratch", {"members": 3, "ensemble": "independent"}, 3 * 65 / 80 + 3),
    ],
)
def test_a_final_fit_takes_the_members_that_compete_and_the_refit(
    way: str, settings: dict[str, Any], trainings: float
) -> None:
    facts = Facts(80, 5, 90, same_size=False, grey=False, cores=2, device="cpu")
    plan = alternatives(facts, wishes({"transfer": "auto", "model": "timm:test_resnet@random"} | settings)).of(way).plan
    held = round(plan.split.validation * 100)
    parts = Split(np.arange(80 - held), np.arange(80 - held, 80), np.arange(80, 100), "drawn", 0)
    assert final_trainings(plan, parts) == pytest.approx(trainings)
