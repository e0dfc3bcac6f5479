"""What a source lists: pictures with their labels, not yet opened."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ravine.base.errors import SourceError

Role = Literal["train", "validation", "test"]
Kind = Literal["folder", "manifest", "arrays", "demo"]

SPLIT_WORDS: dict[str, Role] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""The names of the parts of a data set, in lower case, and the part that each means."""

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif"}
    | {".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
"""Files that are listed as pictures. What they hold is decided by their bytes, not by this."""

FOREIGN_SUFFIXES = frozenset(
    (".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".psd", ".dng", ".cr2", ".nef", ".arw", ".tga", ".svg")
)
"""Pictures in formats that Ravine does not read: listed, so that the scan can set them aside by name."""


class Item(NamedTuple):
    """One picture of a source.

    Attributes:
        name: How the picture is called in every report; for files the path relative to the source.
        picture: The file, or uint8 pixels [H, W] or [H, W, 3].
        label: The name of its class; empty where it has none.
        group: Pictures of one group (a patient, a film) stay on one side of a split.
        part: The part of the data that the source gives it to, if any.
    """

    name: str
    picture: Path | np.ndarray
    label: str = ""
    group: str | None = None
    part: Role | None = None


class SetAside(NamedTuple):
    """A picture that is not used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """The pictures of one source.

    Attributes:
        kind: The kind of source.
        origin: The source as it was given.
        items: Its pictures, in a fixed order.
        classes: The names of the classes; a label's number is its place here.
        set_aside: What could not be listed, by name.
        ignored: How many hidden entries and files that are no pictures were passed over.
        stack: All pictures as one array [N, H, W] or [N, H, W, 3], where the source is one.
    """

    kind: Kind
    origin: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    set_aside: tuple[SetAside, ...] = ()
    ignored: int = 0
    stack: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.items:
            raise SourceError(f"There are no pictures in {self.origin!r}.{self._aside()} {ALLOWED}")
        if len(self.classes) < 2:
            raise SourceError(
                f"{self.origin!r} has a single class, {self.items[0].label!r}; a classifier needs at least two."
                f"{self._aside()} {ALLOWED}"
            )

    def _aside(self) -> str:
        return "".join(f" {name!r}: {reason}." for name, reason in self.set_aside[:3])


ALLOWED = (
    "Give a folder with one sub-folder a class (or train/, val/, test/ folders of these), a .csv file with the columns "
    "path,label[,group,split], a .npz file with the arrays x and y, or the word 'demo'."
)
