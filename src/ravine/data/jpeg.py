"""Plain JPEG files by the faster of two decoders that give the same pixels.

Pillow reads every format. simplejpeg reads JPEG alone, straight into an array, and took 0.4 to 0.9 of Pillow's time on
files of 256 to 2,000 pixels. Which is faster depends on how each was built, so they race on the user's first files. A
file that simplejpeg does not take for sound is left to Pillow, which says what is wrong with it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

try:
    from simplejpeg import decode_jpeg
except ImportError:  # no build for this machine
    decode_jpeg = None

Reader = Callable[[Image.Image, Path], np.ndarray]
"""A picture of mode L or RGB, opened and not yet decoded, and its file → uint8 [H, W] or [H, W, 3]."""

RACE = 8
"""Files that both read before one is chosen."""

TIE = 0.95
"""Of Pillow's time; another decoder must take less."""


def by_pillow(image: Image.Image, path: Path) -> np.ndarray:
    """See `Reader`."""
    del path
    image.load()
    return np.asarray(image)


def by_simplejpeg(image: Image.Image, path: Path) -> np.ndarray:
    """See `Reader`.

    Raises:
        ValueError: The file is damaged, or of a kind that simplejpeg does not read.
    """
    if decode_jpeg is None:
        raise ValueError("simplejpeg is not installed")
    if image.mode == "L":
        return decode_jpeg(path.read_bytes(), "GRAY")[..., 0]
    return decode_jpeg(path.read_bytes(), "RGB")


class Decoders:
    """Two decoders, of which one is chosen after both have read a few files.

    Attributes:
        chosen: What reads; None while the race goes on.
    """

    def __init__(self, other: Reader | None, clock: Callable[[], float] = time.thread_time) -> None:
        """Begin a race.

        Args:
            other: What races against Pillow; None for nothing.
            clock: Gives seconds of this thread, so that other work on the machine does not count.
        """
        self.chosen = by_pillow if other is None else None
        self._other = other or by_pillow
        self._clock = clock
        self._lock = Lock()
        self._seconds: list[tuple[float, float]] = []

    @property
    def name(self) -> str:
        """What reads; empty while the race goes on."""
        names: dict[Reader | None, str] = {by_pillow: "Pillow", by_simplejpeg: "simplejpeg"}
        return names.get(self.chosen, "")

    def read(self, image: Image.Image, path: Path) -> np.ndarray:
        """The pixels of a picture; see `Reader`.

        Raises:
            OSError: The file is damaged.
        """
        if self.chosen is by_pillow:
            return by_pillow(image, path)
        began = self._clock()
        try:
            pixels = self._other(image, path)
        except ValueError:
            self._judge(0.0, float("inf"))
            return by_pillow(image, path)
        if self.chosen is self._other:
            return pixels
        between = self._clock()
        expected = by_pillow(image, path)
        self._judge(self._clock() - between, between - began, np.array_equal(pixels, expected))
        return expected

    def _judge(self, pillow: float, other: float, same: bool = True) -> None:
        """Take note of the seconds of a file, and choose after the last."""
        with self._lock:
            self._seconds.append((pillow, other))
            if not same:
                self.chosen = by_pillow
            elif self.chosen is None and len(self._seconds) == RACE:
                sums = np.array(self._seconds).sum(0)
                self.chosen = self._other if sums[1] < TIE * sums[0] else by_pillow


decoders = Decoders(by_simplejpeg if decode_jpeg else None)
"""Those of this process."""
