"""What compiling cost, remembered."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ravine.train.graph_choice import Timing
from ravine.train.graph_memory import graph_directory, key_of, recall, remember

X, Y = torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)


def test_what_is_remembered_is_recalled_and_the_longest_compiling_is_kept(tmp_path: Path):
    assert recall("key", tmp_path / "new") is None
    remember("key", Timing(30, 2, 1), tmp_path / "new")
    assert recall("key", tmp_path / "new") == Timing(30, 2, 1)
    remember("key", Timing(5, 3, 2), tmp_path / "new")
    assert recall("key", tmp_path / "new") == Timing(30, 3, 2)
    assert recall("other", tmp_path / "new") is None
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["key.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{}",
        '{"compile": 1}',
        '{"compile": "x", "eager": 1, "compiled": 1}',
        '{"compile":0,"eager":1,"compiled":1}',
    ],
)
def test_a_damaged_file_says_nothing(text: str, tmp_path: Path):
    (tmp_path / "key.json").write_text(text, encoding="utf-8")
    assert recall("key", tmp_path) is None


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path):
    (tmp_path / "file").touch()
    remember("key", Timing(1, 1, 1), tmp_path / "file")
    assert recall("key", tmp_path / "file") is None


def test_the_folder_lies_beside_the_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAVINE_CACHE", str(tmp_path))
    assert graph_directory() == tmp_path / "graphs"


def test_a_key_tells_networks_batches_and_precision_apart():
    network = nn.Linear(2, 3)
    key = key_of(network, X, Y, "full")
    assert key == key_of(nn.Linear(2, 3), X.clone(), Y, "full")
    others = [
        key_of(nn.Linear(2, 4), X, Y, "full"),
        key_of(network, X[:3], Y, "full"),
        key_of(network, X.double(), Y, "full"),
        key_of(network, X, torch.zeros(4, 3), "full"),
        key_of(network, X, Y, "bfloat16"),
    ]
    assert len({key, *others}) == 6
