"""How fast files are read: the first time, from the disk, and again, from the memory that the system keeps of them."""

import os
import tempfile
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO

from ravine.device.timing import Clock, fastest

FILE_BYTES = 1 << 26
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class DiskRates:
    """Bytes a second of reading a file in order.

    Attributes:
        cold: From the disk; None where the system cannot be asked to forget a file.
        warm: From memory.
    """

    cold: float | None
    warm: float


def disk_rates(folder: Path, size: int = FILE_BYTES, clock: Clock = time.perf_counter) -> DiskRates | None:
    """Write a temporary file, have the system forget it, read it, and read it again.

    A virtual machine's host may still hold what its guest has forgotten; then cold is faster than the disk.

    Args:
        folder: Where the file is written for a moment.
        size: Of the file, in bytes.
        clock: What tells the time.

    Returns:
        The rates; None where nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            _write(file, size)
            cold = _cold(file, size, clock)
            return DiskRates(cold, size / fastest(lambda: _read(file), 0.0, clock))
    except OSError:
        return None


def _write(file: IO[bytes], size: int) -> None:
    block = os.urandom(min(BLOCK_BYTES, size))
    for _ in range(size // len(block)):
        file.write(block)
    os.fsync(file.fileno())


def _cold(file: IO[bytes], size: int, clock: Clock) -> float | None:
    advise = getattr(os, "posix_fadvise", None)
    if advise is None:
        return None
    try:
        advise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError:  # the file system has no such wish
        return None
    begin = clock()
    _read(file)
    return size / (clock() - begin)


def _read(file: IO[bytes]) -> None:
    file.seek(0)
    buffer = bytearray(BLOCK_BYTES)
    plain = FileIO(file.fileno(), closefd=False)
    while plain.readinto(buffer):
        pass
