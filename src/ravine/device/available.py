"""How much memory a further computation could have."""

import os
from pathlib import Path

import torch

MEMORY_INFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")
"""Where Linux shows the limits of a container."""


def available_bytes(device: torch.device | str) -> int | None:
    """Memory that is free, or that would be freed if it were wanted; None where the system does not say.

    On a CPU it is what the kernel calls available, but no more than what is left of the container's limit; where there
    is no such file, the pages that are free.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    known = [size for size in (_of_machine(), _of_container()) if size is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    try:
        lines = MEMORY_INFO.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return _free_pages()


def _free_pages() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _of_container() -> int | None:
    try:
        limit, used = (int((GROUP / name).read_text(encoding="utf-8")) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):
        return None
    return max(0, limit - used)
