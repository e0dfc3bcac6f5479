"""How much memory is left."""

import os
from pathlib import Path

import pytest
import torch

from ravine.device import available
from ravine.device.available import available_bytes


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the kernel's; nothing is in it yet."""
    monkeypatch.setattr(available, "MEMORY_INFO", tmp_path / "meminfo")
    monkeypatch.setattr(available, "GROUP", tmp_path)
    return tmp_path


def test_what_the_kernel_calls_available(system: Path) -> None:
    (system / "meminfo").write_text("MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 60 kB\n", encoding="utf-8")
    assert available_bytes("cpu") == 60 * 1024


@pytest.mark.parametrize(("limit", "left"), [("50000", 30_000), ("max", 61_440), ("15000", 0)])
def test_a_container_may_leave_less(limit: str, left: int, system: Path) -> None:
    (system / "meminfo").write_text("MemAvailable: 60 kB\n", encoding="utf-8")
    (system / "memory.max").write_text(limit, encoding="utf-8")
    (system / "memory.current").write_text("20000", encoding="utf-8")
    assert available_bytes("cpu") == left


def test_without_such_files_free_pages_count_and_else_nothing_is_known(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"SC_AVPHYS_PAGES": 7, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert available_bytes("cpu") == 7 * 4096
    monkeypatch.delattr(os, "sysconf")
    assert available_bytes("cpu") is None


def test_a_gpu_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (5, 9))
    assert available_bytes("cuda") == 5


def test_this_machine_has_some() -> None:
    known = available_bytes("cpu")
    assert known is None or known > 0
