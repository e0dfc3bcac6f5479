"""What a scan found: the usable pictures, and everything worth knowing about the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ravine.data.decode import decode, spread
from ravine.data.sources import Role, SetAside

Sets = tuple[tuple[int, ...], ...]
"""Sets of pictures, as their numbers."""


class Pixels:
    """The pixels of pictures: kept in memory, views of one array, or decoded again from their files."""

    def __init__(
        self,
        pictures: Sequence[Path | np.ndarray],
        kept: Mapping[int, np.ndarray] | None = None,
        stack: np.ndarray | None = None,
    ) -> None:
        self.pictures = pictures
        self.kept = dict(kept or {})
        self.stack = stack

    def __getitem__(self, index: int) -> np.ndarray:
        if index in self.kept:
            pixels = self.kept[index]
            return spread(pixels) if pixels.ndim == 2 else pixels
        return decode(self.pictures[index]).pixels

    def release(self) -> None:
        """Free what is kept; pictures are decoded again when asked for."""
        self.kept.clear()


@dataclass(frozen=True, eq=False)
class Audit:
    """The usable pictures of a source, numbered from 0 to N − 1, and what was found about them.

    Attributes:
        kind: The kind of source.
        origin: The source as it was given.
        classes: The names of the classes.
        names: The name of each picture.
        labels: int64 [N], places in ``classes``.
        groups: int64 [N], the number of the group of each picture, −1 for none.
        parts: The part that the source gives each picture to, if any.
        heights: int64 [N], pixels.
        widths: int64 [N], pixels.
        hashes: SHA-256 of shape and pixels of each picture, in hexadecimal.
        grey: bool [N], whether the three channels are equal.
        duplicates: Sets of pictures with the same pixels.
        near_duplicates: Sets of different pictures that show the same, such as one picture compressed twice.
        conflicts: Those of the duplicates that stand under more than one label.
        set_aside: The pictures that are not used, and why.
        ignored: How many hidden entries and files that are no pictures were passed over.
        notes: How many pictures were treated in which way while decoding.
        digest: SHA-256 over names, labels and contents; what a pack is checked against.
        seconds: How long the scan took.
        store: The pixels.
    """

    kind: str
    origin: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: np.ndarray
    groups: np.ndarray
    parts: tuple[Role | None, ...]
    heights: np.ndarray
    widths: np.ndarray
    hashes: tuple[str, ...]
    grey: np.ndarray
    duplicates: Sets
    near_duplicates: Sets
    conflicts: Sets
    set_aside: tuple[SetAside, ...]
    ignored: int
    notes: Mapping[str, int]
    digest: str
    seconds: float
    store: Pixels = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def all_grey(self) -> bool:
        """Whether every picture is grey."""
        return bool(self.grey.all())

    @property
    def class_counts(self) -> np.ndarray:
        """The number of pictures of each class, int64 [classes]."""
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def stack(self) -> np.ndarray | None:
        """All pictures as uint8 [N, H, W] or [N, H, W, 3], where the source is one array."""
        return self.store.stack

    def pixels(self, index: int) -> np.ndarray:
        """The pixels of one picture, uint8 [H, W, 3]; decoded again unless they are kept.

        Raises:
            ImageError: The file has gone or changed since the scan.
        """
        return self.store[index]

    def release_pixels(self) -> None:
        """Free the memory of kept pixels."""
        self.store.release()

    @cached_property
    def copies(self) -> np.ndarray:
        """int64 [N]: pictures with one number are exact or near duplicates of each other."""
        return components(len(self), (*self.duplicates, *self.near_duplicates))

    @cached_property
    def blocks(self) -> np.ndarray:
        """int64 [N]: pictures with one number stay on one side of a split: copies, and members of a group."""
        return components(len(self), (*self.duplicates, *self.near_duplicates, *sets_of(self.groups)))

    def summary(self) -> dict[str, Any]:
        """Plain facts for JSON."""
        return {
            "source": {"kind": self.kind, "origin": self.origin, "digest": self.digest},
            "pictures": len(self),
            "classes": dict(zip(self.classes, self.class_counts.tolist(), strict=True)),
            "parts": {part: self.parts.count(part) for part in ("train", "validation", "test") if part in self.parts},
            "groups": len(np.unique(self.groups[self.groups >= 0])),
            "height": _spread_of(self.heights),
            "width": _spread_of(self.widths),
            "all_grey": self.all_grey,
            "grey": int(self.grey.sum()),
            "notes": dict(self.notes),
            "ignored": self.ignored,
            "set_aside": [aside._asdict() for aside in self.set_aside],
            "duplicates": self._named(self.duplicates),
            "near_duplicates": self._named(self.near_duplicates),
            "under_two_labels": self._named(self.conflicts),
            "seconds": round(self.seconds, 3),
        }

    def _named(self, sets: Sets) -> list[list[dict[str, str]]]:
        return [
            [{"name": self.names[index], "label": self.classes[self.labels[index]]} for index in members]
            for members in sets
        ]


def components(count: int, sets: Sets) -> np.ndarray:
    """Number the sets that remain when overlapping sets are joined; int64 [count].

    Example:
        >>> components(5, ((0, 3), (3, 4))).tolist()
        [0, 1, 2, 0, 0]
    """
    ends = [(members[0], other) for members in sets for other in members[1:]]
    rows, columns = np.array(ends, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def sets_of(numbers: np.ndarray) -> Sets:
    """The sets of places with the same number, where it is not negative and there are at least two.

    Example:
        >>> sets_of(np.array([4, -1, 4, 0, -1]))
        ((0, 2),)
    """
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(order)]
    several = (ends - starts > 1) & (ordered[starts] >= 0)
    found = zip(starts[several].tolist(), ends[several].tolist(), strict=True)
    return tuple(sorted(tuple(order[start:end].tolist()) for start, end in found))


def _spread_of(values: np.ndarray) -> dict[str, int]:
    return {"least": int(values.min()), "median": int(np.median(values)), "greatest": int(values.max())}
