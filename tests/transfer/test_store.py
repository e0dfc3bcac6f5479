"""Features on disk: read again, added to, and never another network's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from ravine.data.preprocess import Preprocess
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.transfer.neighbours import leave_one_out
from ravine.transfer.ridge import fit_ridge
from ravine.transfer.store import Store, feature_store, weights_digest

TABLE = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)


class _Computed:
    """Rows of a table, and which were asked for."""

    def __init__(self, table: np.ndarray = TABLE) -> None:
        self.table = table
        self.asked: list[list[int]] = []

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        self.asked.append(rows.tolist())
        return self.table[rows]


def _store(folder: Path, identity: str = "one") -> Store:
    return Store(folder / "a.features", {"network": identity}, len(TABLE))


def test_what_was_stored_is_not_computed_again(tmp_path: Path) -> None:
    compute = _Computed()
    rows = np.array([7, 2, 4])
    first, fresh = _store(tmp_path).get(rows, compute)
    again, none = _store(tmp_path).get(rows, compute)
    assert (fresh, none) == (3, 0)
    assert compute.asked == [[2, 4, 7]]
    assert np.array_equal(first, again)
    assert np.array_equal(first, TABLE[rows].astype(np.float16).astype(np.float32))
    assert not list(tmp_path.glob("*.part"))


def test_only_missing_pictures_are_computed(tmp_path: Path) -> None:
    compute = _Computed()
    _store(tmp_path).get(np.array([1, 3]), compute)
    features, fresh = _store(tmp_path).get(np.arange(5), compute)
    assert compute.asked == [[1, 3], [0, 2, 4]]
    assert fresh == 3
    assert np.abs(features - TABLE[:5]).max() < 2e-3


def test_another_network_is_not_read(tmp_path: Path) -> None:
    compute = _Computed()
    _store(tmp_path).get(np.arange(2), compute)
    _store(tmp_path, "another").get(np.arange(2), compute)
    assert len(compute.asked) == 2


def _cut(content: bytes) -> bytes:
    return content[:-3]


def _flipped(content: bytes) -> bytes:
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


def _short(content: bytes) -> bytes:
    return content[:20]


@pytest.mark.parametrize("damage", [_cut, _flipped, _short])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    compute = _Computed()
    store = _store(tmp_path)
    whole, _ = store.get(np.arange(9), compute)
    content = store.path.read_bytes()
    store.path.write_bytes(damage(content))
    again, fresh = store.get(np.arange(9), compute)
    assert fresh == 9
    assert np.array_equal(whole, again)
    assert store.path.read_bytes() == content


def test_where_nothing_can_be_written_the_bits_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    blocked, _ = _store(tmp_path / "file").get(np.arange(9), _Computed())
    written, _ = _store(tmp_path).get(np.arange(9), _Computed())
    assert np.array_equal(blocked, written)


@pytest.mark.parametrize("table", [TABLE * 1e6, TABLE * 1e-7, TABLE * 1e-3 + 10])
def test_features_that_half_precision_would_spoil_keep_single_precision(tmp_path: Path, table: np.ndarray) -> None:
    features, _ = _store(tmp_path).get(np.arange(9), _Computed(table))
    assert np.array_equal(features, table)


def test_half_precision_changes_no_accuracy(tmp_path: Path) -> None:
    x, y = load_digits(return_X_y=True)
    x, y = (x[:400] / 16).astype(np.float32) @ np.random.default_rng(0).normal(size=(64, 40)), y[:400]
    x = np.maximum(x, 0).astype(np.float32)
    rounded, _ = Store(tmp_path / "b.features", {}, 400).get(np.arange(400), _Computed(x))
    assert not np.array_equal(rounded, x)
    one, two = (fit_ridge(each, y, 10, np.array([1e-3, 1e-2])) for each in (x, rounded))
    assert np.abs(one.left_out - two.left_out).max() < 2e-3
    assert np.array_equal(one.accuracy, two.accuracy)
    near, near_rounded = (leave_one_out(each, y, 10, (5,)).predictions for each in (x, rounded))
    assert (near != near_rounded).mean() <= 1 / 400


def test_the_key_holds_network_weights_pictures_and_their_size(make_folders: Callable[..., Path]) -> None:
    audit = scan(read_source(make_folders()))
    other = scan(read_source(make_folders(count=5, root="more")))
    torch.manual_seed(0)
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    picture = Preprocess(size=8, channels=3)
    stores = [
        feature_store("a", one, picture, audit),
        feature_store("b", one, picture, audit),
        feature_store("a", two, picture, audit),
        feature_store("a", one, Preprocess(size=9, channels=3), audit),
        feature_store("a", one, picture, other),
    ]
    assert len({store.path for store in stores}) == 5
    assert feature_store("a", one, picture, audit) == stores[0]
    assert weights_digest(one) != weights_digest(two)


@pytest.mark.parametrize(("first", "then"), [(1.0, 1e-7), (1e-7, 1.0)])
def test_what_was_stored_stays_as_it_is_when_other_pictures_join(tmp_path: Path, first: float, then: float) -> None:
    scales = np.repeat([first, then], [4, 5])[:, None].astype(np.float32)
    compute = _Computed(TABLE * scales)
    before, _ = _store(tmp_path).get(np.arange(4), compute)
    after, _ = _store(tmp_path).get(np.arange(9), compute)
    assert np.array_equal(after[:4], before)
