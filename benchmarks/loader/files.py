"""JPEG files: what packs and decodes them, and loaders that read them each epoch."""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.data import jpegs
from benchmarks.loader.comparing import LARGE_BATCH, SIDE, STORED, passes, report
from benchmarks.peers import loaders
from benchmarks.rates import Candidate, interleaved, ratio
from benchmarks.table import median, show
from ravine.data.audit import Audit
from ravine.data.decode import decode
from ravine.data.pack import pack
from ravine.data.preprocess import Preprocess
from ravine.data.scan import scan
from ravine.data.sources import read_source

FILES = 300


def scanned(folder: Path) -> tuple[list[Path], Audit]:
    """JPEG files, and what a scan that keeps no pixels finds in them."""
    files = jpegs.write(folder / "photos", FILES)
    size = np.mean([file.stat().st_size for file in files]) / 1e3
    print(f"\n{FILES} JPEG files of {jpegs.WIDTH}×{jpegs.HEIGHT} pixels, {size:.0f} kB each")
    audit = scan(read_source(folder / "photos"), keep_bytes=0)
    if len(audit) != FILES:
        raise SystemExit(f"The scan took {len(audit)} of {FILES} files.")
    return files, audit


def packed(audit: Audit, directory: Path) -> tuple[Tensor, float]:
    """The pixels, and how long they took."""
    made = pack(audit, Preprocess(STORED, 3), directory=directory)
    return torch.as_tensor(made.images), made.seconds


def from_files(files: list[Path]) -> dict[str, Candidate]:
    pil = loaders.Pictures(files, loaders.by_pil, loaders.crop_flip(STORED, SIDE, pil=True))
    tensors = loaders.Pictures(files, loaders.by_torchvision, loaders.crop_flip(STORED, SIDE, pil=False))
    return {
        "DataLoader, PIL, 2 workers": passes(pil, 2, LARGE_BATCH),
        "DataLoader, PIL, 0 workers": passes(pil, 0, LARGE_BATCH),
        "DataLoader, torchvision's decoder and v2 on tensors, 2 workers": passes(tensors, 2, LARGE_BATCH),
    }


def packing(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        files, audit = scanned(Path(name))
        places = iter(Path(name) / f"packs {number}" for number in range(rounds + 1))
        peers = from_files(files)

        def new() -> int:
            return len(packed(audit, next(places))[0])

        rates = interleaved({"a pack": new} | peers, rounds)
        seconds = {other: FILES / median(values) for other, values in rates.items()}
        began = time.perf_counter()
        packed(audit, Path(name) / "packs 0")
        seconds["the pack again"] = time.perf_counter() - began
        rows = [
            [what, round(value, 3), round(1 / ratio(rates, "a pack", what), 2) if what in peers else ""]
            for what, value in seconds.items()
        ]
    heads = ("what", "seconds", "a pack takes so many of these epochs")
    rows = [[what, value, str(share)] for what, value, share in rows]
    show(f"A pack of {FILES} photos at {STORED} pixels against an epoch from JPEG (median of {rounds})", heads, rows)
    print(
        f"\nGoal: 1.1 epochs of PIL in two workers. Before it comes the scan, {audit.seconds:.2f} s, which decodes too;"
    )
    print("it keeps up to 1 GiB of pixels, which are then packed without decoding again; here it kept none.")


def decoders(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        files, _ = scanned(Path(name))
        ways: dict[str, Callable[[Path], np.ndarray]] = {
            "ravine's decode": lambda file: decode(file).pixels,
            "Pillow": lambda file: np.asarray(loaders.by_pil(file)),
            "torchvision's decode_jpeg": lambda file: loaders.by_torchvision(file).movedim(0, -1).numpy(),
        }
        first, *others = ([way(file).astype(int) for file in files[:32]] for way in ways.values())
        apart = max(int(np.abs(np.subtract(first, other)).max()) for other in others)
        with ThreadPoolExecutor(2) as pool:
            candidates = {what: lambda way=way: len(list(pool.map(way, files))) for what, way in ways.items()}
            report(f"Decoding in two threads; pixels differ by at most {apart} levels", candidates, rounds)
