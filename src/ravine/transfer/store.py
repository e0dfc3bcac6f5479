"""Features that outlast a run: one memory-mapped file beside the packs, filled once for each picture.

A file belongs to one network (its name and a digest of its weights), one set of pictures, and one way of bringing them
to size. It says which pictures it holds; features of further pictures are added in a new file that takes its place.
float16 halves the bytes and is used where its rounding stays below a hundredth of the spread of every feature.
"""

import hashlib
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.data.audit import Audit
from ravine.data.pack import cache_directory
from ravine.data.preprocess import Preprocess

_MAGIC = b"RAVINEFEATURES2\n"
_LENGTHS = struct.Struct("<QI")  # bytes of the header, checksum of what follows it
_ALIGN = 4096
ROUNDING = 0.01
"""The greatest root mean square of float16's rounding, relative to the standard deviation of a feature."""

Compute = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Row numbers [n] → features [n, D]."""


@dataclass(frozen=True)
class Store:
    """Where the features of one network on one set of pictures lie.

    Attributes:
        path: The file.
        identity: What the features depend on, as plain values; a file of another identity is not read.
        pictures: N, how many pictures there are.
    """

    path: Path
    identity: Mapping[str, object]
    pictures: int

    def get(self, rows: NDArray[np.int64], compute: Compute) -> tuple[NDArray[np.float32], int]:
        """Features of some pictures, from the file where it has them.

        Args:
            rows: Numbers of pictures, each once.
            compute: Asked once for those that are missing, in ascending order; not at all where there are none.

        Returns:
            Features [len(rows), D] as they are stored, and how many pictures were computed. The same call gives the
            same bits whether or not the file was there, and where no file can be written; what was stored stays as it
            is when other pictures join it.
        """
        present, stored = self._read() or (np.zeros(self.pictures, bool), None)
        missing = np.setdiff1d(rows, np.flatnonzero(present))
        if not len(missing) and stored is not None:
            return stored[rows].astype(np.float32), 0
        fresh = compute(missing)
        table = np.zeros((self.pictures, fresh.shape[1]), np.float32)
        if stored is not None:
            table[present] = stored[present]
        table[missing] = fresh
        present[missing] = True
        kept = np.float16 if stored is None else stored.dtype
        rounded = table.astype(np.promote_types(kept, _smallest(table[present])))
        self._write(present, rounded)
        return rounded[rows].astype(np.float32), len(missing)

    def missing(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some pictures, in ascending order, whose features the file does not have."""
        found = self._read()
        return np.setdiff1d(rows, np.flatnonzero(found[0])) if found else np.unique(rows)

    def _read(self) -> tuple[NDArray[np.bool_], NDArray[np.floating]] | None:
        """Which pictures the file holds, and all rows; None where it is missing, another's, or damaged."""
        try:
            with self.path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    return None
                length, checksum = _LENGTHS.unpack(file.read(_LENGTHS.size))
                header = json.loads(file.read(length))
            if header["identity"] != _plain(self.identity):
                return None
            start, shape, dtype = _offset(length), (self.pictures, header["width"]), np.dtype(header["dtype"])
            present = np.memmap(self.path, np.bool_, "c", start, (self.pictures,))
            table = np.memmap(self.path, dtype, "c", _aligned(start + self.pictures), shape)
        except (OSError, ValueError, KeyError, struct.error):
            return None
        if zlib.crc32(table.data, zlib.crc32(present.data)) != checksum:
            return None
        return np.array(present), table

    def _write(self, present: NDArray[np.bool_], table: NDArray[np.floating]) -> None:
        """Write the file under a temporary name and rename it; leave it where there is no right to."""
        said = {"identity": _plain(self.identity), "width": table.shape[1], "dtype": table.dtype.str}
        header = json.dumps(said, sort_keys=True).encode()
        checksum = zlib.crc32(table.data, zlib.crc32(present.data))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(".part", self.path.stem, self.path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(_MAGIC + _LENGTHS.pack(len(header), checksum) + header)
                    file.seek(_offset(len(header)))
                    file.write(present.data)
                    file.seek(_aligned(_offset(len(header)) + self.pictures))
                    file.write(table.data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(self.path)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError:  # no place or no right to write there
            return


def feature_store(
    backbone: str,
    network: nn.Module,
    picture: Preprocess,
    audit: Audit,
    view: Mapping[str, object] | None = None,
) -> Store:
    """The store of a network's features on the pictures of an audit, where the packs lie.

    Args:
        backbone: The name of the network.
        network: What gives the features; a digest of its tensors is part of the key.
        picture: How pixels become tensors.
        audit: The pictures.
        view: What was done to the pictures before, as plain values; nothing if not given.
    """
    identity = {
        **_network(backbone, network, picture),
        **(view or {}),
        "source": audit.digest,
        "pictures": len(audit),
        "pillow": PIL.__version__,
    }
    return Store(cache_directory() / f"{_key(identity)}.features", identity, len(audit))


def exported_path(backbone: str, network: nn.Module, picture: Preprocess) -> Path:
    """Where the ONNX file of a network is kept; see `feature_store` for the arguments."""
    key = _key({**_network(backbone, network, picture), "kind": "onnx"})
    return cache_directory() / f"{key}.onnx"


def _network(backbone: str, network: nn.Module, picture: Preprocess) -> dict[str, object]:
    return {
        "backbone": backbone,
        "weights": weights_digest(network),
        "answer": repr(getattr(network, "names", ())),
        "picture": picture.to_json(),
        "timm": version("timm"),
        "torch": torch.__version__,
    }


def _key(identity: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(_plain(identity), sort_keys=True).encode()).hexdigest()[:24]


def weights_digest(network: nn.Module) -> str:
    """SHA-256 over the names, shapes and contents of all parameters and buffers, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _smallest(features: NDArray[np.float32]) -> type[np.floating]:
    """float16 where its rounding does not show in any feature, else float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = features - features.astype(np.float16).astype(np.float32)
        worst = np.sqrt((error**2).mean(0)) - ROUNDING * features.std(0)
    return np.float16 if bool((worst <= 0).all()) else np.float32


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(dict(values), sort_keys=True))


def _aligned(bytes_before: int) -> int:
    return -(-bytes_before // _ALIGN) * _ALIGN


def _offset(header_bytes: int) -> int:
    return _aligned(len(_MAGIC) + _LENGTHS.size + header_bytes)
