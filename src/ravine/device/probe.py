"""What a device can do, measured: products, single operations, memory, and copies to it.

Each function measures one thing within a fraction of a second, and answers in basic units: operations a second, bytes a
second, seconds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.device.instructions import has_bfloat16
from ravine.device.timing import Clock, fastest

SECONDS = 0.2
"""How long each measurement is repeated."""

PRODUCT_SIDE = {"cpu": 1024, "cuda": 8192}
"""Rows and columns of the matrices: large enough to reach the device's best."""

STREAM_BYTES = {"cpu": 1 << 27, "cuda": 1 << 30}
"""Of the tensor that is added to: more than caches hold."""

COPY_BYTES = 1 << 26
CHAIN = 256
"""Operations of a chain, and launches of a series."""


@dataclass(frozen=True)
class Probe:
    """What was measured on one device.

    Attributes:
        device: cpu or cuda.
        name: Of the device in words.
        float32: Operations a second in products of float32 matrices; a multiplication and an addition are two.
        bfloat16: The same for bfloat16; None without instructions for it.
        launch_seconds: Until the program goes on after it has asked for one operation on one number.
        link_seconds: Of one operation of a chain in which each waits for the one before.
        bytes_per_second: Read and written, in an addition in place to a large tensor.
        pageable: Bytes a second of a copy from ordinary memory to the device; None for a CPU.
        pinned: The same from page-locked memory.
    """

    device: str
    name: str
    float32: float
    bfloat16: float | None
    launch_seconds: float
    link_seconds: float
    bytes_per_second: float
    pageable: float | None = None
    pinned: float | None = None


def probe(device: str, name: str, seconds: float = SECONDS, clock: Clock = time.perf_counter) -> Probe:
    """Measure one device, in about six times the given seconds.

    Args:
        device: cpu or cuda.
        name: What it is called.
        seconds: How long each measurement is repeated.
        clock: What tells the time.
    """
    on_gpu = device == "cuda"
    return Probe(
        device,
        name,
        product_rate(device, torch.float32, seconds, clock),
        product_rate(device, torch.bfloat16, seconds, clock) if has_bfloat16(device) else None,
        launch_seconds(device, seconds, clock),
        link_seconds(device, seconds, clock),
        stream_rate(device, seconds, clock),
        copy_rate(device, False, seconds, clock) if on_gpu else None,
        copy_rate(device, True, seconds, clock) if on_gpu else None,
    )


def product_rate(device: str, dtype: torch.dtype, seconds: float = SECONDS, clock: Clock = time.perf_counter) -> float:
    """Operations a second of the product of two square matrices: 2·n³ in the time of one."""
    side = PRODUCT_SIDE[device]
    left, right = (torch.ones(side, side, device=device, dtype=dtype) for _ in range(2))
    out = torch.empty_like(left)
    return 2 * side**3 / fastest(_finished(lambda: torch.mm(left, right, out=out), device), seconds, clock)


def launch_seconds(device: str, seconds: float = SECONDS, clock: Clock = time.perf_counter) -> float:
    """Seconds until the program goes on after it has asked for one operation; a GPU may still be at work then."""
    numbers = [torch.zeros(1, device=device) for _ in range(CHAIN)]

    def launch() -> None:
        for number in numbers:
            number.add_(1.0)

    launch()
    _finish(device)
    return fastest(launch, seconds, clock) / CHAIN


def link_seconds(device: str, seconds: float = SECONDS, clock: Clock = time.perf_counter) -> float:
    """Seconds of one operation of a chain: a row of 64 numbers times a matrix, again and again, and then read."""
    matrix = torch.eye(64, device=device)

    def chain() -> None:
        row = torch.ones(1, 64, device=device)
        for _ in range(CHAIN):
            row = row @ matrix
        row.sum().item()

    return fastest(chain, seconds, clock) / CHAIN


def stream_rate(device: str, seconds: float = SECONDS, clock: Clock = time.perf_counter) -> float:
    """Bytes a second, read and written, of an addition in place."""
    numbers = torch.zeros(STREAM_BYTES[device] // 4, device=device)
    return 2 * STREAM_BYTES[device] / fastest(_finished(lambda: numbers.add_(1.0), device), seconds, clock)


def copy_rate(device: str, pinned: bool, seconds: float = SECONDS, clock: Clock = time.perf_counter) -> float:
    """Bytes a second of a copy from the memory of the host to the device."""
    source = torch.zeros(COPY_BYTES, dtype=torch.uint8, pin_memory=pinned)
    target = torch.empty(COPY_BYTES, dtype=torch.uint8, device=device)
    return COPY_BYTES / fastest(_finished(lambda: target.copy_(source, non_blocking=True), device), seconds, clock)


def _finished(work: Callable[[], Tensor], device: str) -> Callable[[], None]:
    def whole() -> None:
        work()
        _finish(device)

    return whole


def _finish(device: str) -> None:
    if device != "cpu":
        torch.accelerator.synchronize(device)
