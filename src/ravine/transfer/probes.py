"""Similarity, measured: how well the features of each depth tell the classes apart.

Two judges that cannot be tuned into the answer: the nearest neighbours, which fit nothing, and a ridge head. Both judge
every picture by all others but its copies. The penalty and the number of neighbours are the best of a few on the same
pictures, alike at every depth, so that depths compare fairly while each level is slightly too high.

Pictures like those that the body was trained on are told apart best at its end; others earlier.
Source: the depth of the best probe as a measure of shift, arXiv 2603.05280; nearest neighbours as a transferability
score, arXiv 2503.18528.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ravine.transfer.neighbours import leave_one_out
from ravine.transfer.ridge import fit_ridge

RELATIVE_PENALTIES = np.geomspace(1e-4, 1e2, 13)
"""Ridge penalties, relative to the mean variance of a feature."""

HIGH_LEVEL = 0.6
"""Least level of similar pictures: accuracy as a share of the way from always naming the largest class to 1."""

CLEAR = 2.0
"""How many paired standard errors an earlier depth must be ahead of the last one."""


@dataclass(frozen=True)
class Probe:
    """What the features of one depth can tell.

    Attributes:
        tap: The name of the depth.
        width: The number of features.
        neighbours: Leave-one-out accuracy of the nearest neighbours, the best number of them.
        ridge: Leave-one-out accuracy of a ridge head, the best penalty.
        right: Whether the better of the two is right, bool [N].
    """

    tap: str
    width: int
    neighbours: float
    ridge: float
    right: NDArray[np.bool_]

    @property
    def accuracy(self) -> float:
        """That of the better of the two."""
        return max(self.neighbours, self.ridge)


@dataclass(frozen=True)
class Similarity:
    """The probe curve over depth, and what follows from it.

    Attributes:
        probes: One a depth, from the input to the output.
        chance: The accuracy of always naming the largest class.
    """

    probes: tuple[Probe, ...]
    chance: float

    @property
    def peak(self) -> int:
        """The depth with the greatest accuracy; the last one unless another is clearly ahead of it."""
        best = max(range(len(self.probes)), key=lambda place: self.probes[place].accuracy)
        return best if self.lead > CLEAR * self.lead_error else len(self.probes) - 1

    @property
    def lead(self) -> float:
        """How far the best depth is ahead of the last one."""
        return max(probe.accuracy for probe in self.probes) - self.probes[-1].accuracy

    @property
    def lead_error(self) -> float:
        """The standard error of that lead, over the pictures that both judged."""
        best = max(self.probes, key=lambda probe: probe.accuracy)
        return paired_error(best.right, self.probes[-1].right)

    @property
    def level(self) -> float:
        """The best accuracy as a share of the way from chance to 1."""
        best = self.probes[self.peak].accuracy
        return (best - self.chance) / (1 - self.chance) if self.chance < 1 else 1.0

    @property
    def similar(self) -> bool:
        """Whether the last features are the best and the level is high."""
        return self.peak == len(self.probes) - 1 and self.level >= HIGH_LEVEL

    @property
    def sentence(self) -> str:
        """What was measured and what it means, in words."""
        last, best = self.probes[-1], self.probes[self.peak]
        if self.peak < len(self.probes) - 1:
            return (
                f"The features of {best.tap} tell the classes apart best ({best.accuracy:.1%} of the pictures, against "
                f"{last.accuracy:.1%} at the end): these pictures differ, to the body, from those of its training."
            )
        if self.similar:
            return (
                f"No depth tells the classes apart clearly better than the last ({last.accuracy:.1%} of the pictures): "
                "these pictures are, to the body, similar to those of its training."
            )
        return (
            f"No depth is clearly better than the last, and that is right for only {last.accuracy:.1%} of the "
            f"pictures (the largest class alone: {self.chance:.1%}): these pictures differ, to the body, from those of "
            "its training."
        )


def probe_depths(
    features: NDArray[np.float32],
    columns: tuple[slice, ...],
    names: tuple[str, ...],
    labels: NDArray[np.int64],
    classes: int,
    blocks: NDArray[np.int64] | None = None,
) -> Similarity:
    """Judge the features of every depth.

    Args:
        features: [N, D₁ + … + D_T].
        columns: Where the features of each depth stand.
        names: What each depth is called.
        labels: [N].
        classes: C.
        blocks: [N]; pictures with one number do not judge one another. Each picture alone if not given.

    Raises:
        PlanError: All pictures are one block.
    """
    probes = []
    for name, part in zip(names, columns, strict=True):
        x = features[:, part]
        near = leave_one_out(x, labels, classes, blocks=blocks)
        ridge = fit_ridge(x, labels, classes, penalties_for(x), blocks)
        by_ridge = ridge.left_out[ridge.best].argmax(1) == labels
        by_neighbours = near.predictions[near.best] == labels
        better = by_ridge if by_ridge.mean() >= by_neighbours.mean() else by_neighbours
        probes.append(Probe(name, x.shape[1], float(by_neighbours.mean()), float(by_ridge.mean()), better))
    return Similarity(tuple(probes), float(np.bincount(labels).max() / len(labels)))


def penalties_for(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Penalties that suit the scale of the features."""
    spread = float(features.var(axis=0, dtype=np.float64).mean())
    return RELATIVE_PENALTIES * (spread or 1.0)


def paired_error(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """The standard error of a difference of two accuracies on the same pictures.

    Example:
        >>> paired_error(np.array([True, True, False, True]), np.array([False, True, False, True]))
        0.25
    """
    difference = one.astype(np.float64) - other
    return float(difference.std(ddof=1) / np.sqrt(len(difference)))
