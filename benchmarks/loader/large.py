"""Photos: parts cut out of a pack against JPEG files decoded anew each epoch."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from benchmarks.loader.comparing import LARGE_BATCH, SIDE, STORED, equal, report, with_threads
from benchmarks.loader.files import from_files, packed, scanned
from benchmarks.peers import environments, loaders
from benchmarks.process import answering
from benchmarks.rates import Candidate
from ravine.augment.crop import cut
from ravine.augment.flip import turn
from ravine.data.batches import Batches
from ravine.data.workers import in_threads
from ravine.moments import SampleDraws

EPOCHS = 4


def parts_of_pack(images: Tensor, threads_of_batches: int = 0) -> Candidate:
    """Epochs of parts cut out of a pack, flipped; batches one after another, or each in one of some threads."""
    count, free = len(images), STORED - SIDE + 1
    batches = Batches(images, torch.arange(count) % 10, np.arange(count), batch_size=LARGE_BATCH, seeds=(0,))

    def batch(place: int) -> Tensor:
        epoch, number = divmod(place, len(batches))
        rows = torch.from_numpy(batches.rows(epoch, number)[0])
        draws = SampleDraws(0, epoch, rows, count)
        top, left = (draws.uniform("cut", 2) * free).long().T
        return turn(cut(images, top, left, (SIDE, SIDE), rows), draws.uniform("flip", 1)[:, 0] < 0.5)

    def run() -> int:
        places = EPOCHS * len(batches)
        made = in_threads(batch, places, threads_of_batches) if threads_of_batches else map(batch, range(places))
        return sum(len(images) for images in made)

    return run


def check_large(images: Tensor, files: Sequence[Path]) -> None:
    """The pack is within a level of Pillow's resizing; parts and flips of it are equal."""
    count = 64
    resized = functional.resize
    own = [functional.pil_to_tensor(resized(loaders.by_pil(file), [STORED, STORED])) for file in files[:count]]
    apart = int((torch.stack(own).movedim(1, -1).int() - images[:count].int()).abs().max())
    if apart > 2:
        raise SystemExit(f"The pack is {apart} levels from Pillow's pixels; its times mean nothing.")
    top, left = torch.randint(0, STORED - SIDE + 1, (2, count))
    mirrored, some = torch.rand(count) < 0.5, torch.randperm(len(images))[:count]
    expected = loaders.one_by_one(images[some], top, left, mirrored, SIDE)
    equal("cut, flip", turn(cut(images, top, left, (SIDE, SIDE), some), mirrored), expected)
    print(f"Pack and Pillow differ by at most {apart} of 255 levels")


def by_spdl(ask: Callable[[], dict[str, float]], files: Sequence[Path]) -> Candidate:
    """An epoch of SPDL; its pixels are close to Pillow's, or it ends here."""
    expected = np.mean([np.asarray(loaders.by_pil(file).resize((SIDE, SIDE)))[::8, ::8].mean() for file in files])
    found = ask()
    if found["pictures"] != len(files) or abs(found["mean"] - expected) > 1:
        raise SystemExit(f"SPDL's pixels differ: {found}, and Pillow's mean is {expected:.2f}.")
    return lambda: int(ask()["pictures"])


def large(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        files, audit = scanned(Path(name))
        images, _ = packed(audit, Path(name) / "packs")
        check_large(images, files)
        run = parts_of_pack(images)
        candidates = {
            "ravine, batches in two threads": parts_of_pack(images, 2),
            "ravine, one thread": with_threads(1, run),
            "ravine, torch with two threads": with_threads(2, run),
        }
        candidates |= from_files(files)
        title = (
            f"{SIDE} of {STORED} pixels, crop, flip; batches of {LARGE_BATCH}; Ravine from the pack, others from JPEG"
        )
        photos, batch = str(Path(name) / "photos"), ("--batch", str(LARGE_BATCH))
        with answering("spdl_photos.py", photos, *batch, python=environments.python("spdl")) as ask:
            candidates["SPDL's image example, 2 threads, resized to 224 without crop and flip"] = by_spdl(ask, files)
            report(title, candidates, rounds)
    print("\nGoal: 30 times a DataLoader with PIL in two workers")
