"""What a device can do."""

import itertools
from collections.abc import Callable
from dataclasses import fields

import pytest
import torch

from ravine.device import probe as room
from ravine.device.probe import CHAIN, copy_rate, launch_seconds, link_seconds, probe, product_rate, stream_rate


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PRODUCT_SIDE", {"cpu": 4, "cuda": 4})
    monkeypatch.setattr(room, "STREAM_BYTES", {"cpu": 4096, "cuda": 4096})
    monkeypatch.setattr(room, "COPY_BYTES", 4096)


def ticks(seconds: float) -> Callable[[], float]:
    """A clock on which every call takes so long."""
    count = itertools.count()
    return lambda: seconds * next(count)


def test_rates_are_amounts_over_seconds() -> None:
    assert product_rate("cpu", torch.float32, 0, ticks(0.5)) == 2 * 4**3 / 0.5
    assert stream_rate("cpu", 0, ticks(0.5)) == 2 * 4096 / 0.5
    assert copy_rate("cpu", False, 0, ticks(0.5)) == 4096 / 0.5
    assert launch_seconds("cpu", 0, ticks(0.5)) == 0.5 / CHAIN
    assert link_seconds("cpu", 0, ticks(0.5)) == 0.5 / CHAIN


def test_a_slower_clock_gives_less_of_everything() -> None:
    fast, slow = (probe("cpu", "x", 0, ticks(seconds)) for seconds in (0.5, 1.0))
    assert fast.float32 == 2 * slow.float32
    assert fast.bytes_per_second == 2 * slow.bytes_per_second
    assert slow.launch_seconds == 2 * fast.launch_seconds
    assert slow.link_seconds == 2 * fast.link_seconds


@pytest.mark.parametrize("there", [True, False])
def test_bfloat16_is_measured_where_there_are_instructions(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "has_bfloat16", lambda _: there)
    found = probe("cpu", "x", 0)
    assert (found.bfloat16 is not None) is there
    assert found.pageable is None
    assert found.pinned is None


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_has_all_figures() -> None:
    found = probe("cuda", "x", 0)
    values = [getattr(found, field.name) for field in fields(found)[2:]]
    assert all(value is None or value > 0 for value in values)
    assert found.pageable
    assert found.pinned
