"""How fast files are read."""

import itertools
import os
from pathlib import Path

import pytest

from ravine.device.disk import disk_rates


def test_rates_are_bytes_over_seconds_and_nothing_is_left_behind(tmp_path: Path) -> None:
    seconds = itertools.count(step=2)
    found = disk_rates(tmp_path / "new", 8192, lambda: next(seconds))
    assert found
    assert found.warm == 8192 / 2
    assert found.cold in (None, 8192 / 2)
    assert not list((tmp_path / "new").iterdir())


def test_without_a_way_to_forget_there_is_no_first_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    found = disk_rates(tmp_path, 8192)
    assert found
    assert found.cold is None
    assert found.warm > 0


def test_a_file_system_may_refuse_to_forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError("not here")

    monkeypatch.setattr(os, "posix_fadvise", refuse, raising=False)
    found = disk_rates(tmp_path, 8192)
    assert found
    assert found.cold is None


def test_where_nothing_can_be_written_nothing_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert disk_rates(tmp_path / "file" / "below", 8192) is None
