"""Pictures decoded and resized once, as rows of one memory-mapped file."""

import hashlib
import json
import math
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import PIL
import torch

from ravine.base.errors import OutputError
from ravine.data.audit import Audit
from ravine.data.decode import spread
from ravine.data.preprocess import Preprocess
from ravine.data.workers import Advance, in_threads, silent

_MAGIC = b"RAVINEPACK1\n"
_LENGTHS = struct.Struct("<QI")  # bytes of the header, checksum of the rows
_ALIGN = 4096
_CHUNK_BYTES = 1 << 22


@dataclass(frozen=True, eq=False)
class Pack:
    """All pictures of an audit at one size.

    Attributes:
        images: uint8 [N, S, S, C]; a memory map that is never written to the file, or an array.
        labels: int64 [N].
        reused: Whether the file was there already.
        seconds: How long it took.
        path: The file; None where the pictures are in memory.
    """

    images: np.ndarray
    labels: np.ndarray
    reused: bool
    seconds: float
    path: Path | None


Packed = Callable[[], Pack]
"""Gives the pictures at one size, made when they are first asked for."""


def cache_directory() -> Path:
    """Where packs lie unless said otherwise: ``$RAVINE_CACHE``, else ``ravine`` in the user's cache folder; / packs."""
    base = os.environ.get("RAVINE_CACHE")
    if base:
        return Path(base) / "packs"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "ravine" / "packs"


def pack(
    audit: Audit,
    preprocess: Preprocess,
    *,
    directory: Path | None = None,
    threads: int | None = None,
    advance: Advance | None = None,
) -> Pack:
    """Bring every picture to the size that the network reads, rounded to whole levels.

    A file made earlier from the same pictures with the same choices is used again after its length and checksum have
    been compared; a damaged one is made anew. An array of pictures that has the right size already is used as it is.

    Args:
        audit: The pictures.
        preprocess: Size, channels, fit and interpolation; mean and std play no part.
        directory: Where to keep the file; see `cache_directory`. Where it cannot be written, the pictures stay in
            memory.
        threads: How many threads work; the number of usable cores if not given.
        advance: Called with the number of further pictures done.

    Returns:
        The pictures, in the order of the audit.

    Raises:
        ImageError: A file has gone or changed since the scan.
    """
    began = time.perf_counter()
    advance = advance or silent
    images = _from_stack(audit.stack, preprocess)
    if images is not None:
        advance(len(audit))
        return Pack(images, audit.labels, False, time.perf_counter() - began, None)
    header = _header(audit, preprocess)
    path = (directory or cache_directory()) / f"{hashlib.sha256(_encoded(header)).hexdigest()[:24]}.pack"
    images = open_pack(path, header)
    if images is not None:
        advance(len(audit))
        return Pack(images, audit.labels, True, time.perf_counter() - began, path)
    made, images = _make(audit, preprocess, path, threads, advance)
    return Pack(images, audit.labels, False, time.perf_counter() - began, made)


def _from_stack(stack: np.ndarray | None, preprocess: Preprocess) -> np.ndarray | None:
    """The rows of an array that has the right size already; no work for grey to grey or colour to colour."""
    if stack is None or stack.shape[1:3] != (preprocess.size, preprocess.size):
        return None
    colours = 1 if stack.ndim == 3 else 3
    if colours == preprocess.channels:
        return stack[..., None] if colours == 1 else stack
    rows = stack if colours == 3 else spread(stack)
    step = max(1, _CHUNK_BYTES // rows[0].size)
    return np.concatenate([_rows_of(preprocess, rows[start : start + step]) for start in range(0, len(rows), step)])


def _rows_of(preprocess: Preprocess, pictures: np.ndarray) -> np.ndarray:
    """Pictures [N, H, W, 3] as whole levels, uint8 [N, S, S, C]."""
    pixels = torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2)  # their order in memory is the fastest to resize
    return np.ascontiguousarray(preprocess.levels(pixels).permute(0, 2, 3, 1).numpy())


def _header(audit: Audit, preprocess: Preprocess) -> dict[str, Any]:
    choices = {name: value for name, value in preprocess.to_json().items() if name not in ("mean", "std")}
    return {
        "source": audit.digest,
        "classes": list(audit.classes),
        "preprocess": choices,
        "pillow": PIL.__version__,
        "torch": torch.__version__,
        "levels": "whole",
        "shape": [len(audit), preprocess.size, preprocess.size, preprocess.channels],
    }


def _encoded(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True).encode()


def _rows_offset(header: dict[str, Any]) -> int:
    return -(-(len(_MAGIC) + _LENGTHS.size + len(_encoded(header))) // _ALIGN) * _ALIGN


def open_pack(path: Path, header: dict[str, Any]) -> np.ndarray | None:
    """Map a pack if it is whole and was made from the same pictures in the same way.

    Args:
        path: The file, which need not exist.
        header: What it must say of itself.

    Returns:
        uint8 [N, S, S, C], copy on write; None where the file is missing, different, truncated or damaged.
    """
    encoded = _encoded(header)
    start = len(_MAGIC) + _LENGTHS.size
    try:
        with path.open("rb") as file:
            head = file.read(start + len(encoded))
        if head[: len(_MAGIC)] != _MAGIC or head[start:] != encoded:
            return None
        length, checksum = _LENGTHS.unpack(head[len(_MAGIC) : start])
        if length != len(encoded) or path.stat().st_size != _rows_offset(header) + math.prod(header["shape"]):
            return None
        rows = np.memmap(path, np.uint8, "c", _rows_offset(header), tuple(header["shape"]))
    except OSError:
        return None
    return rows if zlib.crc32(rows.data) == checksum else None


def _make(
    audit: Audit, preprocess: Preprocess, path: Path, threads: int | None, advance: Advance
) -> tuple[Path | None, np.ndarray]:
    header = _header(audit, preprocess)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(".part", path.stem, path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(file, header, _rows(audit, preprocess, threads, advance))
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError:  # no place or no right to write there
        return None, np.stack(list(_rows(audit, preprocess, threads, silent)))
    rows = open_pack(path, header)
    if rows is None:
        raise OutputError(f"The pack {str(path)!r} was damaged while it was written. Check the disk it lies on.")
    return path, rows


def _rows(audit: Audit, preprocess: Preprocess, threads: int | None, advance: Advance) -> Iterator[np.ndarray]:
    def row(index: int) -> np.ndarray:
        return _rows_of(preprocess, audit.pixels(index)[None])[0]

    for pixels in in_threads(row, len(audit), threads):
        advance(1)
        yield pixels


def _write(file: IO[bytes], header: dict[str, Any], rows: Iterable[np.ndarray]) -> None:
    checksum = 0
    file.seek(_rows_offset(header))
    for row in rows:
        checksum = zlib.crc32(row.data, checksum)
        file.write(row.data)
    file.seek(0)
    encoded = _encoded(header)
    file.write(_MAGIC + _LENGTHS.pack(len(encoded), checksum) + encoded)
    file.flush()
    os.fsync(file.fileno())
