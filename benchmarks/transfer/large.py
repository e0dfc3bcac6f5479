"""Thousands of pictures at 224 pixels: `transfer=head` against decoding them and one bare forward pass of ONNX Runtime.

The pictures are windows of the 257 photos as JPEG files, to take time on: copies of one photo are in all parts, so that
the accuracy says nothing. Both run in one environment, this one with ONNX Runtime added. Ravine scans, packs, passes,
chooses a penalty by five folds, fits, tests and writes its report; the peer (peers/onnx_features.py) decodes, passes,
and keeps nothing. The peer's file is exported before and not timed; Ravine finds its own in one of two runs, and has
to decide in the other whether exporting pays. Seconds are of the process.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.data import crops
from benchmarks.journal import Journal
from benchmarks.peers.environments import python
from benchmarks.process import fit, peer
from benchmarks.table import Cell, show

GOAL = 1.3

EXPORT = """
import sys
import ravine
import torch
from ravine.models.backbone import Backbone
from ravine.transfer.programs import programs
from ravine.transfer.store import exported_path
from ravine.transfer.taps import tapped
body, picture = Backbone(), ravine.load(sys.argv[1]).picture
network = tapped(body.load_pretrained().to(memory_format=torch.channels_last), picture.size)[0]
path = exported_path(body.timm, network, picture)
sample = torch.zeros(2, *picture.shape)
next(one for one in programs(network, sample, path) if one.name == "onnx runtime").make()
"""
"""Exports the body of a model in an environment with ONNX Runtime."""


def main(count: int, journal: Journal, folder: Path) -> None:
    """Run what is not on record, and show."""
    runs = {
        "decoding and one forward pass": lambda: _peer(folder, count),
        "ravine fit, body exported before": lambda: _ravine(folder, count, exported=True),
        "ravine fit, nothing kept": lambda: _ravine(folder, count, exported=False),
    }
    found = {
        name: journal.result({"part": "large", "what": name, "pictures": count}, run) for name, run in runs.items()
    }
    bare = found["decoding and one forward pass"]
    rows: list[list[Cell]] = [
        [name, round(one["seconds"], 1), round(one["seconds"] / bare["seconds"], 2), _parts(one["parts"])]
        for name, one in found.items()
    ]
    show(
        f"{count:,} pictures at 224 pixels, seconds of a process", ("what", "s", "times the first", "s of parts"), rows
    )
    print(f"\nGoal: at most {GOAL} times")


def _parts(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in seconds.items() if value)


def _pictures(folder: Path, count: int) -> Path:
    pictures = folder / f"crops-{count}"
    if not pictures.is_dir():
        crops.write(pictures, count)
    return pictures


def _peer(folder: Path, count: int) -> dict[str, Any]:
    body, pictures = folder / "body.onnx", _pictures(folder, count)
    interpreter = python("onnx", above=True)
    peer("onnx_features.py", "export", str(body), python=interpreter)
    said, seconds = peer("onnx_features.py", "pass", str(body), str(pictures), python=interpreter)
    decoding = said[-1]["decoding"]
    return {"seconds": seconds, "parts": {"decoding": decoding, "passing": said[-1]["seconds"] - decoding}}


def _ravine(folder: Path, count: int, exported: bool) -> dict[str, Any]:
    """A run in a cache that holds nothing, or nothing but the exported body."""
    cache, pictures = folder / f"large-cache-{exported}", _pictures(folder, count)
    options, interpreter = ("--set", "transfer=head"), python("onnx", above=True)
    if exported:
        before = fit(pictures, folder / "large-before", *options, cache=cache, python=interpreter)
        for one in cache.rglob("*"):
            if one.is_file():
                one.unlink()
        _export(before.folder / "model.ravine", cache, interpreter)
    done = fit(pictures, folder / f"large-{exported}", *options, cache=cache, python=interpreter)
    bodies = len(list(cache.rglob("*.onnx")))
    return {"seconds": done.wall_seconds, "parts": done.seconds, "bodies": bodies}


def _export(model: Path, cache: Path, interpreter: str) -> None:
    """Keep the body of a model as an ONNX file, as Ravine does where it saves more time than it takes."""
    command = [interpreter, "-c", EXPORT, str(model)]
    subprocess.run(command, env={**os.environ, "RAVINE_CACHE": str(cache)}, check=True, capture_output=True)
