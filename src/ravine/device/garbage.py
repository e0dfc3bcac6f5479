"""Look for garbage seldom: modules, once loaded, stay to the end.

Python looks through new objects after every 700 of them, and through all at the end. PyTorch and timm make 420,000 that
stay: with less looking, loading them and ending took 3.6 s instead of 5.1 s (medians of five on two cores).
"""

import atexit
import gc

OBJECTS = 20_000
"""New objects after which Python looks through them."""


def collect_seldom() -> None:
    """Look for reference cycles seldom, and not among what is left at the end.

    It is for the whole process, so that a program calls it, and a library does not.
    """
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
