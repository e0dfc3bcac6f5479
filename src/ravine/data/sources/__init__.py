"""Where pictures come from: a folder, a table, an array file, or the built-in ones; one file a kind."""

from collections.abc import Iterable
from pathlib import Path

from ravine.base.errors import SourceError
from ravine.data.sources.arrays import read_arrays
from ravine.data.sources.demo import read_demo
from ravine.data.sources.folder import files_below, printable, read_folder
from ravine.data.sources.listing import ALLOWED, FOREIGN_SUFFIXES, PICTURE_SUFFIXES, Item, Listing, Role, SetAside
from ravine.data.sources.manifest import read_manifest

__all__ = ["Item", "Listing", "Role", "SetAside", "read_pictures", "read_source"]


def read_source(source: str | Path) -> Listing:
    """List the labelled pictures of a source, without opening them.

    Args:
        source: A folder of class folders, a .csv table, a .npz file, or ``"demo"``; a folder of that name is given as
            ``"./demo"``.

    Returns:
        The pictures with their labels.

    Raises:
        SourceError: The source does not exist, is of no known kind, or cannot be used.
    """
    if source == "demo":
        return read_demo()
    path = Path(source).expanduser()
    if not path.exists():
        raise SourceError(f"There is no file or folder {str(path)!r}. {ALLOWED}")
    readers = {".csv": read_manifest, ".tsv": read_manifest, ".npz": read_arrays}
    if not path.is_dir() and path.suffix.lower() not in readers:
        raise SourceError(f"{str(path)!r} is no source of labelled pictures. {ALLOWED}")
    try:
        return read_folder(path) if path.is_dir() else readers[path.suffix.lower()](path)
    except OSError as failure:
        raise SourceError(f"{failure.filename or str(path)!r} cannot be read: {failure.strerror}.") from failure


def read_pictures(paths: Iterable[str | Path]) -> list[Item]:
    """List pictures without labels, for prediction.

    Args:
        paths: Files, and folders whose pictures at any depth are taken in sorted order. A file that is named is taken
            whatever its suffix.

    Returns:
        The pictures, in the order given. Their names are the paths as given.

    Raises:
        SourceError: A path does not exist, or there is no picture at all.
    """
    items: list[Item] = []
    for path in map(Path, paths):
        if not path.exists():
            raise SourceError(f"There is no file or folder {str(path)!r}.")
        files = [path] if path.is_file() else _pictures_below(path)
        items.extend(Item(printable(str(file)), file) for file in files)
    if not items:
        raise SourceError("There are no pictures to read. Give picture files, or folders that hold some.")
    return items


def _pictures_below(folder: Path) -> list[Path]:
    suffixes = PICTURE_SUFFIXES | FOREIGN_SUFFIXES
    return [path for path, _ in files_below(folder) if path is not None and path.suffix.lower() in suffixes]
