import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from ravine.base.errors import ImageError
from ravine.data import pack as module
from ravine.data.pack import cache_directory, pack
from ravine.data.preprocess import Preprocess
from ravine.data.scan import scan
from ravine.data.sources import read_source

SMALL = Preprocess(16, 3)


def test_rows_are_the_pixels_in_order(make_folders, tmp_path):
    audit = scan(read_source(make_folders()))
    packed = pack(audit, SMALL, directory=tmp_path / "packs", threads=2)
    expected = SMALL.pixels([audit.pixels(index) for index in range(len(audit))]).permute(0, 2, 3, 1).numpy()
    assert (packed.images.shape, packed.images.dtype) == ((8, 16, 16, 3), np.uint8)
    assert np.abs(packed.images - expected).max() <= 1.1
    assert packed.labels.tolist() == audit.labels.tolist()
    assert packed.path.parent == tmp_path / "packs"
    assert not packed.reused


def test_a_pack_is_used_again_until_something_changes(make_folders, tmp_path):
    root = make_folders()
    places = {"directory": tmp_path / "packs"}
    audit = scan(read_source(root))
    first = pack(audit, SMALL, **places)
    again = pack(scan(read_source(root)), Preprocess(16, 3, mean=(0.1,)), **places)
    assert again.reused
    assert np.array_equal(again.images, first.images)
    assert not pack(audit, Preprocess(16, 3, "letterbox"), **places).reused
    (root / "cat/00.png").rename(root / "cat/99.png")
    assert not pack(scan(read_source(root)), SMALL, **places).reused
    assert len(list((tmp_path / "packs").iterdir())) == 3


def truncate(path):
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path):
    with path.open("ab") as file:
        file.write(b"x")


def flip(offset):
    def damage(path):
        content = bytearray(path.read_bytes())
        content[offset] ^= 1
        path.write_bytes(content)

    return damage


@pytest.mark.parametrize("damage", [truncate, lengthen, flip(0), flip(13), flip(20), flip(60), flip(-1), flip(5000)])
def test_a_damaged_pack_is_made_anew(make_folders, tmp_path, damage):
    audit = scan(read_source(make_folders()))
    first = pack(audit, SMALL, directory=tmp_path / "packs")
    rows = np.array(first.images)
    damage(first.path)
    again = pack(audit, SMALL, directory=tmp_path / "packs")
    assert not again.reused
    assert np.array_equal(again.images, rows)
    assert pack(audit, SMALL, directory=tmp_path / "packs").reused


def test_writing_to_the_images_does_not_change_the_file(make_folders, tmp_path):
    audit = scan(read_source(make_folders()))
    first = pack(audit, SMALL, directory=tmp_path / "packs")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.from_numpy(first.images).zero_()
    assert pack(audit, SMALL, directory=tmp_path / "packs").reused


def test_without_a_place_to_write_the_pictures_stay_in_memory(make_folders, tmp_path):
    audit = scan(read_source(make_folders()))
    (tmp_path / "file").touch()
    packed = pack(audit, SMALL, directory=tmp_path / "file")
    assert packed.path is None
    assert np.array_equal(packed.images, pack(audit, SMALL, directory=tmp_path / "packs").images)


def test_nothing_is_left_behind_when_packing_fails(make_folders, tmp_path):
    root = make_folders()
    audit = scan(read_source(root), keep_bytes=0)
    (root / "dog/03.png").unlink()
    with pytest.raises(ImageError, match="no such file"):
        pack(audit, SMALL, directory=tmp_path / "packs")
    assert list((tmp_path / "packs").iterdir()) == []


def test_arrays_of_the_right_size_are_used_as_they_are():
    audit = scan(read_source("demo"))
    packed = pack(audit, Preprocess(28, 1))
    assert np.shares_memory(packed.images, audit.stack)
    assert (packed.images.shape, packed.path) == ((2500, 28, 28, 1), None)
    three = pack(audit, Preprocess(28, 3))
    assert np.array_equal(three.images, np.repeat(audit.stack[..., None], 3, axis=3))


def test_colour_arrays_become_grey(tmp_path, make_picture):
    x = np.stack([make_picture(seed, 12, 12) for seed in range(4)])
    np.savez(tmp_path / "a.npz", x=x, y=[0, 1, 0, 1])
    audit = scan(read_source(tmp_path / "a.npz"))
    grey = Preprocess(12, 1)
    assert np.array_equal(pack(audit, grey).images[..., 0], grey.pixels(x).round()[:, 0].numpy())
    assert np.shares_memory(pack(audit, Preprocess(12, 3)).images, audit.stack)


def test_progress_sums_to_the_number_of_pictures(make_folders, tmp_path):
    audit = scan(read_source(make_folders()))
    for _ in range(2):
        done: list[int] = []
        pack(audit, SMALL, directory=tmp_path, advance=done.append)
        assert sum(done) == 8


def test_the_cache_directory_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("RAVINE_CACHE", str(tmp_path))
    assert cache_directory() == tmp_path / "packs"
    monkeypatch.delenv("RAVINE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_directory() == tmp_path / "x/ravine/packs"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path.home() / ".cache/ravine/packs"


def test_chunks_give_the_same_rows(monkeypatch):
    audit = scan(read_source("demo"))
    whole = pack(audit, Preprocess(28, 3)).images
    monkeypatch.setattr(module, "_CHUNK_BYTES", 10_000)
    assert np.array_equal(pack(audit, Preprocess(28, 3)).images, whole)
