"""Make the built-in pictures from Debian's package dataset-fashion-mnist: `python benchmarks/make_demo.py`."""

import gzip
from pathlib import Path

import numpy as np

SOURCE = Path("/usr/share/datasets/fashion-mnist")
TARGET = Path(__file__).parents[1] / "src/ravine/data/demo/fashion-mnist-2500.npz"
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SEED, ROWS_PER_CLASS, TEST_PER_CLASS = 20170825, 250, 50


def read_idx(file: Path, header_bytes: int) -> np.ndarray:
    with gzip.open(file) as stream:
        return np.frombuffer(stream.read(), np.uint8, offset=header_bytes)


def main() -> None:
    pictures = read_idx(SOURCE / "train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = read_idx(SOURCE / "train-labels-idx1-ubyte.gz", 8)
    generator = np.random.default_rng(SEED)
    chosen = [generator.permutation(np.flatnonzero(labels == k))[:ROWS_PER_CLASS] for k in range(len(CLASSES))]
    test = set(np.concatenate([rows[:TEST_PER_CLASS] for rows in chosen]).tolist())
    rows = np.sort(np.concatenate(chosen))
    split = np.array(["test" if row in test else "train" for row in rows.tolist()])
    np.savez_compressed(TARGET, x=pictures[rows], y=labels[rows], classes=np.array(CLASSES), split=split)


if __name__ == "__main__":
    main()
