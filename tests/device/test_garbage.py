"""In processes of their own, since what is set is set for good."""

import subprocess
import sys

from ravine.device.garbage import OBJECTS

AT_THE_END = """
import atexit
import gc
from ravine.device.garbage import collect_seldom

atexit.register(lambda: print(gc.get_freeze_count()))  # functions for the end run in the reverse order
{seldom}
"""

CYCLES = """
from weakref import WeakSet
from ravine.device.garbage import OBJECTS, collect_seldom

class Loop:
    def __init__(self):
        self.itself = self

collect_seldom()
alive = WeakSet()
most = 0
for _ in range(4 * OBJECTS):
    alive.add(Loop())
    most = max(most, len(alive))
print(most)
"""


def printed(program: str) -> int:
    return int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def test_what_is_left_at_the_end_is_not_looked_at():
    assert printed(AT_THE_END.format(seldom="")) == 0
    assert printed(AT_THE_END.format(seldom="collect_seldom()")) > 1_000


def test_cycles_are_collected():
    assert 1_000 < printed(CYCLES) < 2 * OBJECTS
