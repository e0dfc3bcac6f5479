"""Class folders: the name of a folder is the label of the pictures below it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ravine.base.errors import SourceError
from ravine.data.sources.listing import (
    FOREIGN_SUFFIXES,
    PICTURE_SUFFIXES,
    SPLIT_WORDS,
    Item,
    Listing,
    Role,
    SetAside,
)


@dataclass
class _Walk:
    """What one reading of a folder has met."""

    root: Path
    items: list[Item] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    ignored: int = 0

    def name(self, path: Path) -> str:
        return printable(path.relative_to(self.root).as_posix())

    def loose(self, folder: Path, reason: str) -> list[Path]:
        """Set the pictures directly in a folder aside, and answer its sub-folders."""
        entries = [path for path in _sorted_entries(folder) if not _is_hidden(path.name)]
        self.ignored += len(list(folder.iterdir())) - len(entries)
        for path in entries:
            if not path.is_dir():
                self._file(path, None, reason)
        return [path for path in entries if path.is_dir()]

    def read_class(self, folder: Path, part: Role | None) -> None:
        """List every picture at any depth below a class folder."""
        before = len(self.items)
        label = printable(folder.name)
        for path, hidden in files_below(folder):
            self.ignored += hidden
            if path is not None:
                self._file(path, Item(self.name(path), path, label, None, part), "")
        if len(self.items) == before:
            self.set_aside.append(SetAside(self.name(folder) + "/", "the folder holds no pictures"))

    def _file(self, path: Path, item: Item | None, reason: str) -> None:
        if path.suffix.lower() not in PICTURE_SUFFIXES | FOREIGN_SUFFIXES:
            self.ignored += 1
        elif item is None:
            self.set_aside.append(SetAside(self.name(path), reason))
        else:
            self.items.append(item)


def read_folder(root: Path) -> Listing:
    """List the pictures of a folder of class folders.

    The layout is either ``root/<class>/**`` or ``root/<part>/<class>/**``, where the parts are called train, val, test
    or a synonym, in any case. Hidden entries and files without a picture's suffix are passed over and counted.

    Args:
        root: The folder.

    Returns:
        The pictures, sorted by class folder and path.

    Raises:
        SourceError: There are no pictures, a single class, or folders of both layouts.
    """
    walk = _Walk(root)
    folders = walk.loose(root, "it lies outside of any class folder")
    parts = _parts(root, folders)
    for folder in folders:
        if not parts:
            walk.read_class(folder, None)
            continue
        part = SPLIT_WORDS[folder.name.lower()]
        for inner in walk.loose(folder, f"it lies in {folder.name}/ outside of any class folder"):
            walk.read_class(inner, part)
    classes = tuple(sorted({item.label for item in walk.items}))
    if len(classes) == 1 and not parts:
        _explain_single(root, folders)
    return Listing("folder", str(root), tuple(walk.items), classes, tuple(walk.set_aside), walk.ignored)


def _parts(root: Path, folders: list[Path]) -> bool:
    """Whether the folders are the parts of a split; "train" beside other classes is a class."""
    words = {folder.name: SPLIT_WORDS.get(folder.name.lower()) for folder in folders}
    roles = {word for word in words.values() if word}
    others = [name for name, word in words.items() if word is None]
    if "train" not in roles:
        return False
    if not others:
        return True
    if len(roles) > 1:
        raise SourceError(
            f"{str(root)!r} holds the parts of a split beside other folders: {', '.join(map(repr, others))}. "
            f"Keep only {', '.join(repr(name) for name, word in words.items() if word)} there, or only class folders."
        )
    return False


def _explain_single(root: Path, folders: list[Path]) -> None:
    for folder in folders:
        inner = [path.name for path in _sorted_entries(folder) if path.is_dir() and not _is_hidden(path.name)]
        if len(inner) > 1:
            raise SourceError(
                f"{str(root)!r} holds the single class folder {folder.name!r}; a classifier needs at least two. "
                f"The folders inside it look like classes ({', '.join(inner[:5])}): give {str(folder)!r} instead."
            )


def files_below(folder: Path) -> Iterator[tuple[Path | None, int]]:
    """Walk a folder in sorted order, through links but not round in circles.

    Yields:
        A file and 0, or None and how many hidden entries were passed over in one folder.
    """
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        status = Path(place).stat()
        identity = (status.st_dev, status.st_ino)
        hidden = [name for name in (*folders, *files) if _is_hidden(name)]
        if identity in seen:
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        if hidden:
            yield None, len(hidden)
        for name in sorted(files):
            if not _is_hidden(name):
                yield Path(place, name), 0


def printable(name: str) -> str:
    r"""A file name as text that can be written anywhere: bytes that are no UTF-8 become ``\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _sorted_entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: path.name)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _raise(failure: OSError) -> None:
    raise failure
