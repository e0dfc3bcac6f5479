"""What this machine is."""

import os

import pytest
import torch

from ravine.base.errors import PlanError, TrainingError
from ravine.device import machine
from ravine.device.machine import PACKAGES, choose_device, describe, enough_memory, threads, usable_cores, versions


@pytest.mark.parametrize(
    ("wish", "present", "device"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_a_wish_becomes_a_device_that_is_there(
    wish: str, present: bool, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert choose_device(wish) == device


def test_what_is_not_there_is_an_error_that_says_what_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PlanError, match=r"finds no CUDA device here\. Choose auto or cpu"):
        choose_device("cuda")
    with pytest.raises(PlanError, match=r"device = 'tpu' is not allowed\. Choose auto, cpu or cuda"):
        choose_device("tpu")


def test_threads_are_set_for_a_while_also_when_something_goes_wrong() -> None:
    before = torch.get_num_threads()
    with threads(3):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="mine"), threads(2):
        raise ValueError("mine")
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "wrong", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), None]
)
def test_exhausted_memory_is_said_in_words(wrong: Exception | None) -> None:
    words = r"not enough memory .*Choose a smaller model, batch_size or picture\.size"
    with pytest.raises(TrainingError, match=words), enough_memory():
        if wrong:
            raise wrong
        torch.empty(1 << 60, dtype=torch.uint8)


def test_other_mistakes_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="mine"), enough_memory():
        raise RuntimeError("mine")


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    assert usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


def test_every_package_that_decides_the_result_has_a_version() -> None:
    found = versions()
    assert set(found) == {"python", *PACKAGES}
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]


def test_the_machine_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = describe("cpu")
    assert found["device"] == "CPU"
    assert found["cores"] == str(usable_cores())
    assert all(found.values())
    monkeypatch.setattr(machine, "Path", lambda _: _Nowhere())
    assert describe("cpu")["processor"]


class _Nowhere:
    """A file that is not there."""

    def is_file(self) -> bool:
        return False
