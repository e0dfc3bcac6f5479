"""Memory that a training takes, against the estimate that is stated before it begins.

    python -m benchmarks.memory                 all trainings
    python -m benchmarks.memory --only 2        one of them, from 0

Each training is `ravine.fit` in a process of its own, on random pictures, with the allocator as the command sets it.
Once they are packed, the resident memory of the process without the pack is noted, and looked at every few
milliseconds; what it grows by while it trains is what the training takes. What it grew by before, when ways to train
were raced or features computed, is shown beside it. Linux alone, since it is read in /proc.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.table import Cell, show
from ravine import fit
from ravine.device.allocator import give_freed_memory_back, keep_freed_memory
from ravine.experiment.stages import Advance, Progress

GOAL = 1.3
STATED = re.compile(r"Training takes about ([\d.,]+) (GB|MB|kB)")
UNITS = {"GB": 1e9, "MB": 1e6, "kB": 1e3}
LOOK_SECONDS = 0.005


RESIDUAL = {"model": "residual", "batch_size": 256}
MLP = {"model": "mlp", "model.width": 512, "optimizer": "adam"}
BODY = {"transfer": "all", "picture.size": 96, "batch_size": 128}


@dataclass(frozen=True)
class Case:
    """A training on so many random pictures of a size."""

    name: str
    pictures: int
    side: int
    channels: int
    settings: dict[str, Any]
    members: int = 1


CASES = (
    Case("small_cnn, 28 pixels, batches of 128", 20_000, 28, 1, {"batch_size": 128}),
    Case("small_cnn, 64 pixels, batches of 1,024", 8_000, 64, 3, {"batch_size": 1_024}),
    Case("residual, 32 pixels, Adam, batches of 256", 10_000, 32, 3, RESIDUAL | {"optimizer": "adam"}),
    Case("residual, 64 pixels, batches of 256", 4_000, 64, 3, RESIDUAL),
    Case("64 members of an mlp of 512 units, Adam", 10_000, 28, 1, MLP, 64),
    Case("8 members of small_cnn, batches of 128", 10_000, 28, 1, {"batch_size": 128}, 8),
    Case("all layers of EfficientNet-Lite0, 96 pixels, batches of 128", 2_000, 96, 3, BODY),
)


@dataclass
class Watch(Progress):
    """Notes the estimate, and what the process grows by after the packing of the pictures, these included.

    Attributes:
        pictures_bytes: Of the pack, which is read once when it is made.
        stated: The estimate.
        before: Memory when the pictures were packed, without them.
        racing: What it grew by at the most until the training began.
        training: The same until it ended.
    """

    pictures_bytes: int
    stated: float = 0.0
    before: int = 0
    racing: int = 0
    training: int = 0
    _over: Event = field(default_factory=Event)

    def say(self, text: str) -> None:
        """Note what is stated."""
        if found := STATED.search(text):
            self.stated = float(found[1].replace(",", "")) * UNITS[found[2]]

    @contextmanager
    def show(self, name: str, total: int) -> Iterator[Advance]:
        """Look at the memory from the end of packing on, and apart while the training goes on."""
        del total
        if name.startswith("train"):
            self._over.set()
            self._over = Event()
            Thread(target=self._look, args=(self._over, "training"), daemon=True).start()
        yield lambda _: None
        if name == "pack":
            give_freed_memory_back()
            self.before = resident_bytes() - self.pictures_bytes
            Thread(target=self._look, args=(self._over, "racing"), daemon=True).start()
        if name.startswith("train"):
            self._over.set()

    def _look(self, over: Event, what: str) -> None:
        while not over.is_set():
            setattr(self, what, max(getattr(self, what), resident_bytes() - self.before))
            time.sleep(LOOK_SECONDS)


def resident_bytes() -> int:
    """Memory of this process that is in use, mapped files included."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(case: Case) -> None:
    """Train, and print what was stated and what was taken, as JSON."""
    keep_freed_memory()
    chance = np.random.default_rng(0)
    shape = (case.pictures, case.side, case.side, case.channels)
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "pictures.npz"
        images = chance.integers(0, 256, shape, np.uint8)
        np.savez(source, x=images, y=np.arange(case.pictures) % 10)
        watch = Watch(images.nbytes)
        del images
        settings = {"refit": False, **case.settings}
        members = case.members if case.members > 1 else None
        fit(source, Path(name) / "run", epochs=1, members=members, settings=settings, device="cpu", progress=watch)
    print(json.dumps({"stated": watch.stated, "racing": watch.racing, "training": watch.training}))


def row(case: Case) -> list[Cell]:
    """A training in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--only", str(CASES.index(case)), "--here"]
    with tempfile.TemporaryDirectory() as cache:
        variables = {**os.environ, "RAVINE_CACHE": cache}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case.name}:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    megabytes = [round(found[what] / 1e6) for what in ("stated", "training", "racing")]
    return [case.name, *megabytes, round(found["training"] / found["stated"], 2)]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--only", type=int, choices=range(len(CASES)), help="the number of a training, from 0")
    words.add_argument("--here", action="store_true", help="that one in this process")
    given = words.parse_args()
    if given.here:
        measure(CASES[given.only or 0])
        return
    print(machine())
    rows = [row(case) for case in (CASES if given.only is None else [CASES[given.only]])]
    heads = ("training", "stated, MB", "taken, MB", "taken before, MB", "taken / stated")
    show(f"Memory of trainings (goal: at most {GOAL} times what was stated)", heads, rows)


if __name__ == "__main__":
    main()
