"""Whether pictures may be mirrored: measured on small copies of them, before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from ravine.base.seeds import numpy_generator
from ravine.data.audit import Audit
from ravine.data.duplicates import shrink
from ravine.data.workers import in_threads

MOST = 1_000
"""Pictures that are looked at; time grows with their square."""

LEAST, LEAST_OF_CLASS = 200, 10
"""With fewer pictures, or fewer of a class, nothing is concluded."""

NEIGHBOURS = 0.25
"""Half of the half that chance gives where pictures face either way."""

RIGHT = 0.875
"""In samples of 300 to 1,000: digits 0.30 to 0.39, letters 0.31 to 0.53, clothes and shoes 0.66 to 0.85, of which some
face one way and on which flips cost accuracy beside shifts; photos of things 0.89 to 1.07."""

ERRORS, ERRORS_OF_CLASS = 2.0, 3.0
"""Standard errors that a loss of labels may reach by chance, for all pictures and for any one class."""

_SMALLEST, _LARGEST = 8, 16  # pixels, height and width of the small copies
_MIDDLE = 128  # centred pixels have products whose sums are whole numbers below 2²⁴, exact in float32


@dataclass(frozen=True)
class Mirror:
    """What was found out about mirror images.

    Attributes:
        safe: Whether a picture and its mirror image may stand under one label.
        why: The reason, one sentence.
        pictures: How many pictures were looked at; 0 if there were too few.
        neighbours: How often the nearest one of a picture's class, among the others and their mirror images, is a
            mirror image: the median over classes. 0.5 where pictures face either way.
        right: Share of pictures whose nearest other picture has their label.
        mirrored_right: The same of their mirror images.
    """

    safe: bool
    why: str
    pictures: int = 0
    neighbours: float = nan
    right: float = nan
    mirrored_right: float = nan


@dataclass(frozen=True)
class _Distances:
    """Squared distances [N, N] from pictures to the others, and to mirror images of the others."""

    plain: NDArray[np.float64]
    mirrored: NDArray[np.float64]

    def nearest(self, allowed: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least of each row among allowed pictures, and among their mirror images."""
        least = [np.where(allowed, some, np.inf).min(axis=1) for some in (self.plain, self.mirrored)]
        return least[0], least[1]


def look(audit: Audit) -> Mirror:
    """Measure on at most 1,000 pictures, as many of each class where there are.

    Pictures that the source gives for testing take no part, and of copies one does.

    Raises:
        ImageError: A file has gone or changed since the scan.
    """
    rows = _chosen(audit)
    if len(rows) == 0:
        return not_measured()
    side = max(_SMALLEST, min(_LARGEST, int(min(audit.heights[rows].min(), audit.widths[rows].min()))))
    small = np.stack(
        list(in_threads(lambda place: shrink(audit.pixels(int(rows[place])), side, side), len(rows), None))
    )
    return measure(small[..., :1] if audit.all_grey else small, audit.labels[rows], audit.classes)


def _chosen(audit: Audit) -> NDArray[np.int64]:
    generator = numpy_generator(0, "mirror")
    free = np.flatnonzero([part != "test" for part in audit.parts])
    rows = generator.permutation(free[np.unique(audit.copies[free], return_index=True)[1]])
    labels = audit.labels[rows]
    enough = np.flatnonzero(np.bincount(labels, minlength=1) >= LEAST_OF_CLASS)
    classes = generator.permutation(enough)[: MOST // LEAST_OF_CLASS]
    each = MOST // max(1, len(classes))
    return np.concatenate([rows[:0], *(rows[labels == label][:each] for label in classes)])


def measure(thumbnails: NDArray[np.uint8], labels: NDArray[np.int64], classes: Sequence[str]) -> Mirror:
    """Compare pictures with each other and with the mirror images of each other; never with their own.

    Mirroring is safe if all of this holds:

        neighbours ≥ 1/4                             mirrored pictures occur: not everything faces one way
        mirrored_right ≥ 7/8·right                   a mirror image looks like its own class, as 6 does not
        lost − won ≤ 2·√(lost + won)                 mirror images as further neighbours do not cost labels, as those
                                                     of b cost the labels of d; in no class beyond 3 standard errors

    In the last line a picture has the label of its nearest neighbour; lost and won are the pictures that have the right
    one only without, and only with, mirror images among the neighbours. This is McNemar's test (1947).

    Args:
        thumbnails: uint8 [N, S, S, C], with S·S·C ≤ 1,024.
        labels: int64 [N], places in `classes`.
        classes: Their names.
    """
    if len(labels) < LEAST or np.bincount(labels).max() < LEAST_OF_CLASS or len(np.unique(labels)) < 2:
        return not_measured()
    distances = _distances(thumbnails)
    same = labels[:, None] == labels
    plain, mirrored = distances.nearest(same)
    share = (mirrored < plain) + 0.5 * (mirrored == plain)
    neighbours = float(np.median([share[labels == label].mean() for label in np.unique(labels)]))
    other_plain, other_mirrored = distances.nearest(~same)
    right = plain < other_plain
    alone = float(right.mean())
    turned = float((mirrored < other_mirrored).mean())
    both = np.minimum(plain, mirrored) < np.minimum(other_plain, other_mirrored)
    harm = _harm(right & ~both, both & ~right, labels, classes) or _unlike(neighbours, alone, turned)
    why = harm or (
        f"Sides hardly matter: {neighbours:.0%} of the nearest pictures of a class are mirror images, and {turned:.0%} "
        f"of the mirror images of {len(labels):,} pictures resemble their own class most ({alone:.0%} of the pictures)."
    )
    return Mirror(not harm, why, len(labels), neighbours, alone, turned)


def not_measured() -> Mirror:
    """What is known without a measurement: nothing, so that mirroring is not safe."""
    return Mirror(
        False,
        f"Not measured, since there are too few pictures: {LEAST} are needed, {LEAST_OF_CLASS} of a class; digits and "
        "letters would lose their labels.",
    )


def _distances(thumbnails: NDArray[np.uint8]) -> _Distances:
    whole = thumbnails.astype(np.float32) - _MIDDLE
    x, turned = whole.reshape(len(whole), -1), whole[:, :, ::-1].reshape(len(whole), -1)
    squares = np.square(x.astype(np.float64)).sum(axis=1)
    found = _Distances(*(squares[:, None] + squares - 2.0 * (x @ other.T) for other in (x, turned)))
    np.fill_diagonal(found.plain, np.inf)
    np.fill_diagonal(found.mirrored, np.inf)
    return found


def _harm(
    lost: NDArray[np.bool_], won: NDArray[np.bool_], labels: NDArray[np.int64], classes: Sequence[str]
) -> str | None:
    """What mirror images among the neighbours cost, if that is more than chance."""
    groups = [(np.full(len(labels), True), "", ERRORS)]
    groups += [(labels == label, f" of {classes[label]!r}", ERRORS_OF_CLASS) for label in np.unique(labels).tolist()]
    for rows, name, errors in groups:
        less, more = int(lost[rows].sum()), int(won[rows].sum())
        if less - more > errors * sqrt(less + more):
            return (
                f"Mirror images look like other classes: with them among the neighbours, {less} of {rows.sum():,} "
                f"pictures{name} lose their label, and {more} find it."
            )
    return None


def _unlike(neighbours: float, right: float, turned: float) -> str | None:
    """How mirror images differ from pictures, if they do."""
    if turned < RIGHT * right:
        return (
            f"Mirror images look like other classes: {turned:.0%} of them resemble their own class most, and "
            f"{right:.0%} of the pictures."
        )
    if neighbours < NEIGHBOURS:
        return (
            f"Pictures face one way: only {neighbours:.0%} of the nearest pictures of a class are mirror images, where "
            "50 % are if sides do not matter."
        )
    return None
