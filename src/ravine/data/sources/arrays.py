"""Arrays of pictures and labels in one .npz file."""

import zipfile
from pathlib import Path

import numpy as np

from ravine.base.errors import SourceError
from ravine.data.sources.listing import Item, Kind, Listing, Role
from ravine.data.sources.manifest import role

_REQUIRED = ("x", "y")
_NAMES = (*_REQUIRED, "classes", "group", "split")


def read_arrays(file: Path, kind: Kind = "arrays", origin: str | None = None) -> Listing:
    """List the rows of the arrays in a .npz file; the pictures are views of ``x``, not copies.

    Args:
        file: Holds ``x``, uint8 [N, H, W] or [N, H, W, 3]; ``y``, N integers or strings; and, if wanted, ``classes``
            (the names in order), ``group`` and ``split`` (N words). Never unpickled.
        kind: What the listing is called.
        origin: What the source is called; the file itself if not given.

    Returns:
        The rows, in order. Without ``classes``, integers are sorted as numbers and strings as text.

    Raises:
        SourceError: An array is missing, unknown, or of another shape or type.
    """
    arrays = _load(file)
    x = _pictures(file, arrays["x"])
    labels, classes = _labels(file, arrays, len(x))
    groups = _words(file, arrays, "group", len(x))
    parts = _parts(file, arrays, len(x))
    names = map(str, range(len(x)))
    items = tuple(map(Item._make, zip(names, x, labels, groups, parts, strict=True)))
    return Listing(kind, origin or str(file), items, classes, stack=x)


def _load(file: Path) -> dict[str, np.ndarray]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            found = set(archive.files)
            if not found >= set(_REQUIRED) or found - set(_NAMES):
                raise SourceError(
                    f"{str(file)!r} holds the arrays {', '.join(sorted(found))}. It must hold x and y and may hold "
                    "classes, group and split."
                )
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as failure:
        raise SourceError(
            f"{str(file)!r} cannot be read as a .npz file of plain arrays ({failure}). Save it with "
            "numpy.savez(file, x=pictures, y=labels)."
        ) from failure


def _pictures(file: Path, x: np.ndarray) -> np.ndarray:
    shaped = x.ndim == 3 or (x.ndim == 4 and x.shape[3] in (1, 3))
    if x.dtype != np.uint8 or not shaped or 0 in x.shape:
        raise SourceError(
            f"{str(file)!r}: x is {x.dtype} {list(x.shape)}. It must be uint8 [N, H, W] or [N, H, W, 3], "
            "values 0 to 255."
        )
    return x[..., 0] if x.ndim == 4 and x.shape[3] == 1 else x


def _labels(file: Path, arrays: dict[str, np.ndarray], count: int) -> tuple[list[str], tuple[str, ...]]:
    y = arrays["y"]
    if y.shape != (count,) or y.dtype.kind not in "iuUS":
        raise SourceError(f"{str(file)!r}: y is {y.dtype} {list(y.shape)}. It must be {count} integers or strings.")
    if y.dtype.kind in "US":
        labels = _text(y)
        classes = tuple(_text(arrays["classes"])) if "classes" in arrays else tuple(sorted(set(labels)))
        if strange := set(labels) - set(classes):
            raise SourceError(f"{str(file)!r}: y holds {sorted(strange)[:5]}, which classes does not list.")
    elif "classes" in arrays:
        classes = tuple(_text(arrays["classes"]))
        if y.min() < 0 or y.max() >= len(classes):
            raise SourceError(
                f"{str(file)!r}: y runs from {y.min()} to {y.max()}, but there are {len(classes)} classes."
            )
        labels = [classes[index] for index in y]
    else:
        values, inverse = np.unique(y, return_inverse=True)
        classes = tuple(map(str, values.tolist()))
        labels = [classes[index] for index in inverse]
    if "" in classes or len(set(classes)) != len(classes):
        raise SourceError(f"{str(file)!r}: the names of the classes must differ and not be empty: {list(classes)}.")
    return labels, classes


def _words(file: Path, arrays: dict[str, np.ndarray], name: str, count: int) -> list[str | None]:
    if name not in arrays:
        return [None] * count
    words = arrays[name]
    if words.shape != (count,) or words.dtype.kind not in "iuUS":
        raise SourceError(
            f"{str(file)!r}: {name} is {words.dtype} {list(words.shape)}. It must be {count} integers or strings."
        )
    return [word or None for word in _text(words)]


def _parts(file: Path, arrays: dict[str, np.ndarray], count: int) -> list[Role | None]:
    words = _words(file, arrays, "split", count)
    known: dict[str | None, Role | None] = {word: role(f"{str(file)!r}, split", word) for word in set(words)}
    return [known[word] for word in words]


def _text(values: np.ndarray) -> list[str]:
    flat = values.ravel().tolist()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in flat]
