"""Open every picture once, and find out what can be used."""

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

from ravine.base.errors import ImageError, SourceError
from ravine.data.audit import Audit, Pixels, Sets, sets_of
from ravine.data.decode import decode, is_grey, quiet
from ravine.data.duplicates import THUMBNAIL, near_duplicates, shrink
from ravine.data.sources import Item, Listing, SetAside
from ravine.data.workers import Advance, in_threads, silent

_CHUNK_BYTES = 1 << 22


class _Look(NamedTuple):
    """What one picture shows; its pixels are [H, W] if grey, else [H, W, 3]."""

    pixels: np.ndarray
    thumbnail: np.ndarray
    sha256: str
    notes: tuple[str, ...]


@dataclass
class _Columns:
    """What is noted of each usable picture."""

    items: list[Item] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    grey: list[bool] = field(default_factory=list)
    thumbnails: list[np.ndarray] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    set_aside: list[SetAside] = field(default_factory=list)
    kept: dict[int, np.ndarray] = field(default_factory=dict)
    kept_bytes: int = 0


def scan(
    listing: Listing, *, threads: int | None = None, advance: Advance | None = None, keep_bytes: int = 1 << 30
) -> Audit:
    """Decode every picture of a listing in full, and set aside by name what cannot be read.

    Args:
        listing: What to open.
        threads: How many threads decode; the number of usable cores if not given.
        advance: Called with the number of further pictures done.
        keep_bytes: Pixels are kept in memory up to this sum, so that later stages need not decode again.

    Returns:
        The usable pictures and what was found about them.

    Raises:
        SourceError: No picture is usable, or a class keeps fewer than two.
    """
    began = time.perf_counter()
    columns = _Columns(set_aside=list(listing.set_aside))
    if listing.stack is not None:
        _read_stack(listing, listing.stack, columns, advance or silent)
    else:
        _read_files(listing, columns, threads, advance or silent, keep_bytes)
    return _audit(listing, columns, began)


def _audit(listing: Listing, columns: _Columns, began: float) -> Audit:
    labels = _labels(listing, columns)
    store = Pixels([item.picture for item in columns.items], columns.kept, listing.stack)
    duplicates, near = _copies(columns, store)
    heights, widths = np.array(columns.sizes, np.int64).T
    return Audit(
        kind=listing.kind,
        origin=listing.origin,
        classes=listing.classes,
        names=tuple(item.name for item in columns.items),
        labels=labels,
        groups=_groups(columns.items),
        parts=tuple(item.part for item in columns.items),
        heights=heights,
        widths=widths,
        hashes=tuple(columns.hashes),
        grey=np.array(columns.grey),
        duplicates=duplicates,
        near_duplicates=near,
        conflicts=tuple(members for members in duplicates if len(set(labels[list(members)].tolist())) > 1),
        set_aside=tuple(columns.set_aside),
        ignored=listing.ignored,
        notes=dict(columns.notes),
        digest=_digest(columns),
        seconds=time.perf_counter() - began,
        store=store,
    )


def _read_files(listing: Listing, columns: _Columns, threads: int | None, advance: Advance, keep_bytes: int) -> None:
    items = listing.items
    with quiet():
        for item, look in zip(items, in_threads(lambda i: _look(items[i]), len(items), threads), strict=True):
            advance(1)
            if isinstance(look, SetAside):
                columns.set_aside.append(look)
                continue
            if columns.kept_bytes + look.pixels.nbytes <= keep_bytes:
                columns.kept[len(columns.items)] = look.pixels
                columns.kept_bytes += look.pixels.nbytes
            columns.items.append(item)
            columns.sizes.append((look.pixels.shape[0], look.pixels.shape[1]))
            columns.hashes.append(look.sha256)
            columns.grey.append(look.pixels.ndim == 2)
            columns.thumbnails.append(look.thumbnail)
            columns.notes.update(look.notes)


def _look(item: Item) -> _Look | SetAside:
    try:
        pixels, notes, grey = decode(item.picture)
    except ImageError as failure:
        return SetAside(item.name, str(failure))
    thumbnail = shrink(pixels, THUMBNAIL, THUMBNAIL)
    one = np.ascontiguousarray(pixels[..., 0]) if grey else pixels
    return _Look(one, thumbnail, _sha256(one), notes)


def _read_stack(listing: Listing, stack: np.ndarray, columns: _Columns, advance: Advance) -> None:
    columns.items = list(listing.items)
    columns.sizes = [(stack.shape[1], stack.shape[2])] * len(stack)
    step = max(1, _CHUNK_BYTES // stack[0].nbytes)
    for start in range(0, len(stack), step):
        chunk = stack[start : start + step]
        grey = [chunk.ndim == 3 or is_grey(pixels) for pixels in chunk]
        ones = (
            pixels[..., 0] if plain and pixels.ndim == 3 else pixels for pixels, plain in zip(chunk, grey, strict=True)
        )
        columns.hashes.extend(map(_sha256, ones))
        columns.grey.extend(grey)
        columns.thumbnails.extend(_thumbnails(chunk))
        advance(len(chunk))


def _thumbnails(chunk: np.ndarray) -> np.ndarray:
    pixels = torch.from_numpy(chunk if chunk.flags.writeable else chunk.copy()).float()
    channels = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    means = adaptive_avg_pool2d(channels, THUMBNAIL).round_().byte()
    return means.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()


def _sha256(pixels: np.ndarray) -> str:
    """The hash of shape and pixels; [H, W] for grey pictures, so that grey in three channels counts as the same."""
    digest = hashlib.sha256(str(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _labels(listing: Listing, columns: _Columns) -> np.ndarray:
    place = {name: number for number, name in enumerate(listing.classes)}
    labels = np.array([place[item.label] for item in columns.items], np.int64)
    counts = np.bincount(labels, minlength=len(place))
    if few := [f"{name!r} ({counts[number]})" for name, number in place.items() if counts[number] < 2]:
        aside = "".join(f"\n  {name!r}: {reason}" for name, reason in columns.set_aside[:10])
        raise SourceError(
            f"{listing.origin!r}: each class needs at least two usable pictures, and these have fewer: "
            f"{', '.join(few)}. Add pictures, or remove these classes. Set aside: {len(columns.set_aside)}.{aside}"
        )
    return labels


def _groups(items: list[Item]) -> np.ndarray:
    numbers: dict[str, int] = {}
    return np.array(
        [-1 if item.group is None else numbers.setdefault(item.group, len(numbers)) for item in items], np.int64
    )


def _copies(columns: _Columns, store: Pixels) -> tuple[Sets, Sets]:
    _, first, contents = np.unique(np.array(columns.hashes), return_index=True, return_inverse=True)
    thumbnails = np.stack(columns.thumbnails)[first]
    if all(columns.grey):
        thumbnails = thumbnails[..., :1]
    heights, widths = np.array(columns.sizes, np.float64)[first].T
    near = near_duplicates(thumbnails, widths / heights, lambda index: store[int(first[index])])
    return sets_of(contents), tuple(sorted(tuple(sorted(first[list(members)].tolist())) for members in near))


def _digest(columns: _Columns) -> str:
    digest = hashlib.sha256()
    for item, content in zip(columns.items, columns.hashes, strict=True):
        digest.update(f"{item.name}\0{item.label}\0{content}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
