"""Size, measured: what half, a quarter and an eighth of the pictures would have given.

The pictures are divided into 1, 2, 4 and 8 parts, and each is judged by a ridge head on the others of its part, so that
every picture is judged once at every size and sizes are compared on the same pictures. Accuracy that still rises from
doubling to doubling says that pictures are what is missing; flat accuracy, that the features are.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ravine.base.seeds import numpy_generator
from ravine.data.apportion import apportion
from ravine.transfer.probes import CLEAR, paired_error, penalties_for
from ravine.transfer.ridge import fit_ridge

PARTS = (8, 4, 2, 1)
FEWEST = 8
"""Pictures of the smallest part; sizes below it are not measured."""

WORTH, FLAT = 0.005, 0.015
"""Accuracy that a doubling must bring to count as rising, and below which it is certain to be to count as flat."""


@dataclass(frozen=True)
class SizeCurve:
    """Accuracy by the number of pictures.

    Attributes:
        pictures: Mean number of pictures of a part, rising, [S].
        accuracy: Leave-one-out accuracy over all pictures, [S].
        gain: What a doubling of the pictures brought, over the last two doublings (or the last one).
        gain_error: The standard error of that gain.
    """

    pictures: tuple[int, ...]
    accuracy: tuple[float, ...]
    gain: float
    gain_error: float

    @property
    def course(self) -> Literal["rising", "flat", "unclear"]:
        """Whether accuracy clearly rises with the number of pictures, clearly does not, or neither."""
        if self.gain > max(WORTH, CLEAR * self.gain_error):
            return "rising"
        flat = len(self.pictures) > 1 and self.gain + CLEAR * self.gain_error < FLAT
        return "flat" if flat else "unclear"

    @property
    def sentence(self) -> str:
        """What was measured and what it means, in words."""
        if len(self.pictures) < 2:
            return "There are too few pictures to tell whether more would help."
        points = ", ".join(f"{n:,}: {a:.1%}" for n, a in zip(self.pictures, self.accuracy, strict=True))
        gain = f"{100 * self.gain:+.1f} ± {100 * CLEAR * self.gain_error:.1f} points a doubling"
        return _MEANING[self.course].format(f"({points}; {gain})")


_MEANING = {
    "rising": "Accuracy rises with the number of pictures {}: more pictures would help, and few weights should be "
    "trained on these.",
    "flat": "Accuracy hardly rises with the number of pictures {}: the features are the limit, and training them may "
    "help.",
    "unclear": "Whether accuracy still rises with the number of pictures cannot be told from so few {}.",
}


def size_curve(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    blocks: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> SizeCurve:
    """Judge the pictures by ever more of one another.

    Args:
        features: [N, D].
        labels: [N].
        classes: C.
        blocks: [N]; pictures with one number stay together. Each picture alone if not given.
        seed: The same seed divides the pictures alike.

    Raises:
        PlanError: All pictures are one block.
    """
    together = np.arange(len(labels)) if blocks is None else blocks
    sizes, judged = [], []
    for count in PARTS:
        parts = apportion(labels, together, np.ones(count), numpy_generator(seed, f"size of {count} parts"))
        if count == 1 or _large_enough(parts, together, count):
            sizes.append(len(labels) // count)
            judged.append(_right(features, labels, classes, together, parts))
    first, doublings = (-3, 2) if len(sizes) > 2 else (0, max(1, len(sizes) - 1))
    gain = float(judged[-1].mean() - judged[first].mean()) / doublings
    error = paired_error(judged[-1], judged[first]) / doublings
    return SizeCurve(tuple(sizes), tuple(float(one.mean()) for one in judged), gain, error)


def _large_enough(parts: NDArray[np.int64], blocks: NDArray[np.int64], count: int) -> bool:
    """Whether each part has enough pictures, in two blocks at the least."""
    return all((parts == part).sum() >= FEWEST and len(set(blocks[parts == part])) > 1 for part in range(count))


def _right(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    blocks: NDArray[np.int64],
    parts: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the others of its part are right about each picture, with the best penalty for parts of this size."""
    penalties = penalties_for(features)
    right = np.zeros((len(penalties), len(labels)), bool)
    for part in np.unique(parts):
        rows = parts == part
        heads = fit_ridge(features[rows], labels[rows], classes, penalties, blocks[rows])
        right[:, rows] = heads.left_out.argmax(2) == labels[rows]
    accuracy = right.mean(1)
    return right[max(range(len(penalties)), key=lambda place: (accuracy[place], penalties[place]))]
