import numpy as np
import pytest

from ravine.base.errors import SourceError
from ravine.data.sources import read_source

X = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz"


def test_integers_sort_as_numbers_and_pictures_are_views(tmp_path):
    listing = read_source(saved(tmp_path, x=X, y=np.array([10, 9, 10, -1])))
    assert listing.classes == ("-1", "9", "10")
    assert [item.label for item in listing.items] == ["10", "9", "10", "-1"]
    assert all(np.shares_memory(item.picture, listing.stack) for item in listing.items)
    assert np.array_equal(listing.items[2].picture, X[2])


def test_strings_groups_and_parts(tmp_path):
    file = saved(
        tmp_path, x=X, y=np.array(["b", "a", "b", "a"]), group=[1, 1, 2, 2], split=["train", "", "val", "test"]
    )
    listing = read_source(file)
    assert listing.classes == ("a", "b")
    assert [item.group for item in listing.items] == ["1", "1", "2", "2"]
    assert [item.part for item in listing.items] == ["train", None, "validation", "test"]


def test_given_classes_keep_their_order(tmp_path):
    assert read_source(saved(tmp_path, x=X, y=[0, 1, 1, 0], classes=["z", "a"])).items[1].label == "a"
    assert read_source(saved(tmp_path, x=X, y=["z", "a", "a", "z"], classes=["z", "a"])).classes == ("z", "a")
    assert read_source(saved(tmp_path, x=X, y=np.array([b"z", b"a"] * 2))).classes == ("a", "z")


def test_colour_and_a_single_channel(tmp_path):
    colour = np.zeros((4, 3, 2, 3), np.uint8)
    assert read_source(saved(tmp_path, x=colour, y=[0, 1, 1, 0])).items[0].picture.shape == (3, 2, 3)
    assert read_source(saved(tmp_path, x=X[..., None], y=[0, 1, 1, 0])).items[0].picture.shape == (3, 2)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, "must hold x and y"),
        ({"x": X, "y": [0, 1, 1, 0], "labels": [0]}, "arrays labels, x, y"),
        ({"x": X / 255, "y": [0, 1, 1, 0]}, "x is float64"),
        ({"x": X[0], "y": [0, 1, 1]}, "x is uint8 .3, 2."),
        ({"x": X[..., None].repeat(4, -1), "y": [0, 1, 1, 0]}, "x is uint8"),
        ({"x": X, "y": [0, 1, 1]}, "y is int64 .3."),
        ({"x": X, "y": [0.0, 1, 1, 0]}, "y is float64"),
        ({"x": X, "y": [0, 1, 2, 0], "classes": ["a", "b"]}, "from 0 to 2, but there are 2"),
        ({"x": X, "y": ["a", "b", "c", "a"], "classes": ["a", "b"]}, "'c'"),
        ({"x": X, "y": [0, 1, 1, 0], "classes": ["a", "a"]}, "must differ"),
        ({"x": X, "y": [0, 1, 1, 0], "split": ["train", "exam", "", ""]}, "the split is 'exam'"),
        ({"x": X, "y": [0, 1, 1, 0], "group": [1, 2]}, "group is int64"),
        ({"x": X, "y": [1, 1, 1, 1]}, "single class"),
        ({"x": X[:0], "y": np.zeros(0, int)}, "x is uint8 .0, 3, 2."),
    ],
)
def test_what_is_wrong_is_said(tmp_path, arrays, message):
    with pytest.raises(SourceError, match=message):
        read_source(saved(tmp_path, **arrays))


def test_pickled_objects_are_never_loaded(tmp_path):
    with pytest.raises(SourceError, match="plain arrays"):
        read_source(saved(tmp_path, x=X, y=np.array([{}, 1, 2, 3], dtype=object)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"text"])
def test_files_that_are_no_archives(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read"):
        read_source(tmp_path / "a.npz")


def test_a_single_array_is_not_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", X)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(SourceError, match="cannot be read"):
        read_source(tmp_path / "a.npz")
