"""What compiling a network cost and saved, remembered for each version of torch, machine, network and batch.

One small JSON file each, in the folder `graphs` beside the packs. A file that is missing, damaged or cannot be written
is as if nothing had been measured.
"""

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from ravine.data.pack import cache_directory
from ravine.device.machine import describe
from ravine.train.graph_choice import Timing


def graph_directory() -> Path:
    """Where measurements lie unless said otherwise: ``graphs`` beside the folder of the packs."""
    return cache_directory().with_name("graphs")


def key_of(network: nn.Module, pixels: Tensor, targets: Tensor, precision: str) -> str:
    """A name for everything that the measurement depends on, 24 letters and digits."""
    machine = describe(pixels.device.type)
    parts = (
        *(torch.__version__, machine["processor"], machine["device"], torch.get_num_threads(), precision),
        *(str(network), tuple(pixels.shape), pixels.stride(), pixels.dtype, targets.ndim),
    )
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:24]


def recall(key: str, folder: Path) -> Timing | None:
    """What was measured, if anything."""
    try:
        values = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        found = Timing(**{name: float(value) for name, value in values.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return found if min(found.compile, found.eager, found.compiled) > 0 else None


def remember(key: str, measured: Timing, folder: Path) -> None:
    """Keep a measurement.

    Compiling again is quicker while torch's own cache lasts, which nobody promises: the longest time is kept.
    """
    before = recall(key, folder)
    longest = max(measured.compile, before.compile) if before else measured.compile
    text = json.dumps(asdict(Timing(longest, measured.eager, measured.compiled)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(".part", key, folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(folder / f"{key}.json")
    except OSError:  # without a place to write, the next run measures anew
        return
