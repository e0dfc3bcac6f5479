import platform
import subprocess
import sys

import pytest

from ravine.device.allocator import keep_freed_memory

GIVEN_BACK = """
import os
from pathlib import Path
import torch
from ravine.device.allocator import give_freed_memory_back, keep_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')

keep_freed_memory()
before = resident()
kept = torch.ones(50_000_000)
del kept
assert resident() - before > 150_000_000
assert give_freed_memory_back()
assert resident() - before < 100_000_000
"""


def test_it_is_done_where_there_is_glibc():
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_given_back():
    """In a process of its own, whose allocator is set for good."""
    assert subprocess.run([sys.executable, "-c", GIVEN_BACK], check=False).returncode == 0
