"""What this machine is, and how much of it a run uses."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import torch

from ravine.base.errors import PlanError, TrainingError

PACKAGES = ("ravine", "torch", "torchvision", "timm", "numpy", "pillow", "scikit-learn", "safetensors")


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(wish: str) -> str:
    """Turn a wish (auto, cpu, cuda) into a device that is there.

    Raises:
        PlanError: The wish is unknown, or there is no such device.
    """
    if wish not in ("auto", "cpu", "cuda"):
        raise PlanError(f"device = {wish!r} is not allowed. Choose auto, cpu or cuda.")
    present = torch.cuda.is_available()
    if wish == "cuda" and not present:
        raise PlanError("device = 'cuda', but PyTorch finds no CUDA device here. Choose auto or cpu.")
    return "cuda" if present and wish != "cpu" else "cpu"


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use this many threads within one operation."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Say in words that memory is exhausted.

    Raises:
        TrainingError: Memory for a tensor cannot be had.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as wrong:
        said = str(wrong).partition("\n")[0]
        if isinstance(wrong, MemoryError) or "can't allocate memory" in said or "out of memory" in said:
            raise TrainingError(
                f"There is not enough memory ({said}). Choose a smaller model, batch_size or picture.size."
            ) from wrong
        raise


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that decide the result."""
    return {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}


def describe(device: str) -> dict[str, str]:
    """The machine in words: processor, cores, device."""
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    return {"processor": _processor(), "cores": str(usable_cores()), "system": platform.platform(), "device": name}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
