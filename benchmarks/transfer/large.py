"""Thousands of pictures at 224 pixels: `transfer=head` against decoding them and one bare forward pass of ONNX Runtime.

The pictures are windows of the 257 photos as JPEG files, to take time on: copies of one photo are in all parts, so that
the accuracy says nothing. Both run in one environment, this one with ONNX Runtime added. Ravine scans, packs, passes,
chooses a penalty by five folds, fits, tests and writes its report; the peer (peers/onnx_features.py) decodes, passes,
and keeps nothing. The peer's file is exported beforehand and not timed; Ravine exports its own within its time when it
runs for the first time, and finds it when it runs on other pictures later. Both are shown. Seconds are of the process.
"""

import shutil
from pathlib import Path
from typing import Any

from benchmarks.data import crops
from benchmarks.journal import Journal
from benchmarks.peers.environments import python
from benchmarks.process import fit, peer
from benchmarks.table import Cell, show

GOAL = 1.3


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
    """A run in a cache that holds nothing, or nothing but the exported body, which a run before has left."""
    cache, pictures = folder / f"large-cache-{exported}", _pictures(folder, count)
    options, interpreter = ("--set", "transfer=head"), python("onnx", above=True)
    if exported:
        fit(pictures, folder / "large-before", *options, cache=cache, python=interpreter)
        for one in cache.iterdir():
            if one.suffix != ".onnx":
                shutil.rmtree(one) if one.is_dir() else one.unlink()
    done = fit(pictures, folder / f"large-{exported}", *options, cache=cache, python=interpreter)
    return {"seconds": done.wall_seconds, "parts": done.seconds, "bodies": len(list(cache.glob("*.onnx")))}
