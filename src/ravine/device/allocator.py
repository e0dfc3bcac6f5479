"""Keep freed memory within the process, or give it back.

glibc otherwise returns large blocks to the kernel and maps them anew.

A forward pass of EfficientNet-Lite0 over 16 pictures frees and allocates 25 MB several times; each time the kernel
clears every page again. Kept, it ran 1.8 times as fast on two cores (`docs/performance.md`).
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # glibc, malloc.h
TOP_PAD_BYTES = 1 << 26


def keep_freed_memory() -> bool:
    """Tell glibc not to give memory back before the process ends.

    It is for the whole process, so that a program calls it, and a library does not.

    Returns:
        Whether it could be done: on Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, TOP_PAD_BYTES))
    return all(mallopt(name, value) == 1 for name, value in settings)


def give_freed_memory_back() -> bool:
    """Give back what is freed and kept, where something passed that took more than what follows.

    Returns:
        Whether there was something to give back: on Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return malloc_trim is not None and malloc_trim(0) == 1
