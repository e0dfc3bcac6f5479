"""Fashion-MNIST (Zalando 2017, MIT): 60,000 training and 10,000 test pictures, from Debian's dataset-fashion-mnist."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.make_demo import CLASSES, SOURCE, read_idx

SIDE, TRAINING_PICTURES, TEST_PICTURES = 28, 60_000, 10_000


def read(part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures uint8 [N, 28, 28] and labels [N] from 0 to 9.

    Args:
        part: "train" or "t10k".
    """
    images, labels = SOURCE / f"{part}-images-idx3-ubyte.gz", SOURCE / f"{part}-labels-idx1-ubyte.gz"
    if not (images.is_file() and labels.is_file()):
        raise SystemExit(f"{images} or {labels.name} is missing. Install it: apt-get install dataset-fashion-mnist")
    return read_idx(images, 16).reshape(-1, SIDE, SIDE), read_idx(labels, 8)


def write_npz(path: Path, training_rows: int) -> None:
    """Write what `ravine fit` reads: the first training rows and all test rows, with a split column."""
    (x, y), (x_test, y_test) = read("train"), read("t10k")
    x, y = x[:training_rows], y[:training_rows]
    split = np.array(["train"] * len(x) + ["test"] * len(x_test))
    np.savez(path, x=np.concatenate([x, x_test]), y=np.concatenate([y, y_test]), classes=np.array(CLASSES), split=split)
