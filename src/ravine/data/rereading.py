"""Files that a scan has found sound, decoded again by the faster of two decoders that give the same pixels.

Pillow reads every format, and decides in the scan what is sound. torchvision reads plain JPEG files, in about three
quarters of the time; which of the two is faster depends on how each was built, so that they race on the user's files.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from ravine.data.decode import ORIENTATION, decode, quiet

Picture = Path | np.ndarray
Reader = Callable[[Picture], np.ndarray]

RACE = 8
"""Files that both decoders read before one is chosen."""

TIE = 0.95
"""Of Pillow's time; torchvision must take less."""


def by_pillow(picture: Picture) -> np.ndarray:
    """Any picture, uint8 [H, W, 3]; see `decode`."""
    return decode(picture).pixels


def by_torchvision(picture: Picture) -> np.ndarray:
    """A plain JPEG file by torchvision, uint8 [H, W, 3]; anything else, and what fails, by Pillow."""
    from torchvision.io import ImageReadMode, read_image

    if not (isinstance(picture, Path) and _plain(picture)):
        return by_pillow(picture)
    try:
        return read_image(str(picture), ImageReadMode.RGB).permute(1, 2, 0).contiguous().numpy()
    except RuntimeError:  # gone, or changed: Pillow says so with the name of the file
        return by_pillow(picture)


def _plain(path: Path) -> bool:
    """Whether a file is a JPEG picture whose pixels need no more than decoding."""
    try:
        with quiet(), Image.open(path, formats=("JPEG",)) as image:
            return image.format == "JPEG" and image.mode in ("RGB", "L") and image.getexif().get(ORIENTATION, 1) == 1
    except Exception:  # damaged bytes make Pillow raise nearly anything; reading it in full will say what
        return False


def race(pictures: Sequence[Picture], clock: Callable[[], float] = time.perf_counter) -> Reader:
    """The faster reader of some files, among those that give the same pixels.

    Args:
        pictures: Where to take a few JPEG files from.
        clock: Gives seconds.
    """
    jpegs = [one for one in pictures[: 4 * RACE] if isinstance(one, Path) and _plain(one)][:RACE]
    if not jpegs:
        return by_pillow
    by_torchvision(jpegs[0])  # the first call loads the library
    seconds = dict.fromkeys((by_pillow, by_torchvision), 0.0)
    for path in jpegs:
        read = []
        for reader in seconds:
            began = clock()
            read.append(reader(path))
            seconds[reader] += clock() - began
        if not np.array_equal(*read):
            return by_pillow
    return by_torchvision if seconds[by_torchvision] < TIE * seconds[by_pillow] else by_pillow


class Rereading:
    """Pictures decoded again when asked for; the race is run once, at the first of them."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.pictures = pictures
        self._reader: Reader | None = None
        self._lock = Lock()

    def __getitem__(self, index: int) -> np.ndarray:
        with self._lock:
            if self._reader is None:
                self._reader = race(self.pictures)
        return self._reader(self.pictures[index])
