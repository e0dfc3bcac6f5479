"""A data set for transfer learning: labelled pictures in a training and a test part, and the two ways to make one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Draw = Callable[[np.random.Generator, int, bool], tuple[Pixels, str]]
"""Chance, the class of the picture, and whether it is for testing → one picture [H, W] or [H, W, 3], and its group,
such as the thing that it shows; "" for none."""


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Labelled pictures.

    Attributes:
        x: uint8 [N, H, W] or [N, H, W, 3].
        y: Places in `classes`, [N].
        classes: Names.
        test: Which pictures are for testing alone, bool [N].
        group: Pictures with one word show the same thing, [N]; "" for none. No group is in both parts.
    """

    x: Pixels
    y: Labels
    classes: tuple[str, ...]
    test: NDArray[np.bool_]
    group: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write what `ravine fit` reads."""
        split, group = np.where(self.test, "test", "train"), np.array(self.group)
        np.savez(path, x=self.x, y=self.y, classes=np.array(self.classes), split=split, group=group)


def joined(
    training: tuple[Pixels, Labels], test: tuple[Pixels, Labels], classes: Sequence[str], group: Sequence[str] = ()
) -> PictureSet:
    """Both parts in one; without groups if none are given."""
    where = np.arange(len(training[1]) + len(test[1])) >= len(training[1])
    x, y = (np.concatenate([one, other]) for one, other in zip(training, test, strict=True))
    return PictureSet(x, y.astype(np.int64), tuple(classes), where, tuple(group) or ("",) * len(y))


def drawn(draw: Draw, classes: Sequence[str], training: int, test: int, seed: int) -> PictureSet:
    """Pictures that a program makes; a smaller training part is the start of a larger one.

    Args:
        draw: Makes one picture.
        classes: Names; all are equally frequent.
        training: How many pictures for training.
        test: How many for testing.
        seed: Of all chance.
    """
    parts, groups = [], []
    for part, count in enumerate((training, test)):
        y = np.arange(count) % len(classes)
        chances = (np.random.default_rng((seed, part, number)) for number in range(count))
        made = [draw(chance, label, part == 1) for chance, label in zip(chances, y.tolist(), strict=True)]
        parts.append((np.stack([picture for picture, _ in made]), y))
        groups += [group for _, group in made]
    return joined(*parts, classes, groups)


def spread(y: Labels, seed: int) -> NDArray[np.int64]:
    """All pictures in an order by chance whose every start has all classes in proportion.

    Args:
        y: Labels [N].
        seed: Of the order within a class.
    """
    generator = np.random.default_rng((seed, len(y)))
    place = np.empty(len(y))
    for label in np.unique(y):
        rows = generator.permutation(np.flatnonzero(y == label))
        place[rows] = (np.arange(len(rows)) + generator.random()) / len(rows)
    return np.argsort(place, kind="stable")


def divided(x: Pixels, y: Labels, classes: Sequence[str], training: int, test: int, seed: int) -> PictureSet:
    """Some pictures of a collection; which ones are for testing does not depend on how many there are for training.

    Raises:
        SystemExit: There are not that many.
    """
    if training + test > len(y):
        raise SystemExit(
            f"{training} pictures for training and {test} for testing are more than the {len(y)} there are."
        )
    order = spread(y, seed)
    first, last = order[:training], order[len(order) - test :]
    return joined((x[first], y[first]), (x[last], y[last]), classes)
