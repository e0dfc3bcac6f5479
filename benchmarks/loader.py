"""Pictures a second from data to augmented batches: Ravine against loaders as they are usually written.

    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.loader                    all tables
    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.loader --only large --rounds 9

Equal numbers give equal crops and flips on all sides; that is checked before anything is timed. Candidates take turns;
rates are medians, a ratio is the median of the ratios within a round. A DataLoader without workers has one thread,
which is faster for single pictures. Threads that wait should sleep (the variable above): where the machine is not
quiet, those that spin take the time of the others. No network reads the batches: it would need far longer.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from benchmarks.data import jpegs
from benchmarks.machine import machine
from benchmarks.peers import environments, loaders
from benchmarks.process import answering
from benchmarks.rates import Candidate, interleaved, ratio
from benchmarks.table import median, show
from ravine.augment.augmentation import Augmentation
from ravine.augment.crop import Crop, cut, shift
from ravine.augment.flip import Flip, flip, turn
from ravine.data.audit import Audit
from ravine.data.batches import Batch, Batches
from ravine.data.decode import decode
from ravine.data.pack import pack
from ravine.data.placement import batches_at_once
from ravine.data.preprocess import Preprocess
from ravine.data.ring import Ring
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.workers import in_threads
from ravine.device.allocator import keep_freed_memory
from ravine.device.machine import threads
from ravine.moments import SampleDraws
from ravine.train.techniques import MemberTechniques

SMALL, SMALL_PEER, SMALL_BATCH = 50_000, 2_000, 128
FILES, LARGE_BATCH, STORED, SIDE, EPOCHS = 300, 50, 256, 224, 4
MARGIN = loaders.MARGIN


Prepare = Callable[[Batch, int], Iterator[tuple[Tensor, Tensor]]]


def augmented(batches: Batches, parts: Sequence[Augmentation]) -> Prepare:
    """From a block to what a member of a population sees of its batches: pictures and targets, by keyed numbers."""
    member, counts = MemberTechniques(0, parts), torch.bincount(batches.labels)
    whole = {"pictures": len(batches.labels), "classes": len(counts)}

    def prepare(block: Batch, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        samples = member.augmented(block.images[0], block.labels[0], block.keys[0], epoch=epoch, **whole)
        starts = range(0, len(samples.images), batches.batch_size)
        return (member.mixed(samples.part(slice(start, start + batches.batch_size)), counts) for start in starts)

    return prepare


def small_pictures(images: Tensor, ahead: int = 0) -> Candidate:
    """An epoch of batches, padded, cropped and flipped, with an order and random numbers of its own."""
    count, side = images.shape[:2]
    batches = Batches(images, torch.arange(count) % 10, np.arange(count), batch_size=SMALL_BATCH, seeds=(0,))
    prepare, block = augmented(batches, (Crop(MARGIN / side), Flip())), batches_at_once(batches)
    epochs = itertools.count()

    def run() -> int:
        span = (next(epochs), range(len(batches)))
        with Ring(batches, [span], prepare, block=block, ahead=ahead) as ring:
            return sum(len(images) for images, _ in ring)

    return run


def with_threads(count: int, candidate: Candidate) -> Candidate:
    def run() -> int:
        with threads(count):
            return candidate()

    return run


def passes(pictures: loaders.Pictures, workers: int, batch_size: int) -> Candidate:
    """One epoch of a DataLoader."""
    batches = loaders.loader(pictures, workers, batch_size)
    return with_threads(1, lambda: sum(len(images) for images, _ in batches))


def at_once(images: Tensor) -> Candidate:
    """An epoch padded, cropped and flipped in one go; padding anew each time, as Ravine does."""
    first, side = images.movedim(-1, 1).contiguous(), images.shape[1]

    def run() -> int:
        wide = functional.pad(first, [MARGIN] * 4, padding_mode="reflect")
        top, left = torch.randint(0, 2 * MARGIN + 1, (2, len(first)))
        return len(loaders.epoch_at_once(wide, top, left, torch.rand(len(first)) < 0.5, side))

    return run


def equal(what: str, one: Tensor, other: Tensor) -> None:
    if not torch.equal(one, other):
        raise SystemExit(f"{what}: pixels differ, so that times would mean nothing.")


def check_small(images: Tensor) -> None:
    count, side = images.shape[:2]
    top, left = torch.randint(0, 2 * MARGIN + 1, (2, count))
    mirrored = torch.rand(count) < 0.5
    wide = loaders.padded(images)
    own = flip(shift(images, MARGIN - top, MARGIN - left, margin=MARGIN), mirrored)
    equal("pad, crop, flip", own, loaders.one_by_one(wide, top, left, mirrored, side))
    grouped = loaders.epoch_at_once(wide.movedim(-1, 1), top, left, mirrored, side)
    equal("epoch at once", own, grouped.movedim(1, -1))


def small(rounds: int) -> None:
    for side, channels in ((28, 1), (32, 3)):
        images = torch.randint(0, 256, (SMALL, side, side, channels), dtype=torch.uint8)
        check_small(images[:256])
        few = images[:SMALL_PEER].movedim(-1, 1)
        tensors = loaders.Pictures(few, lambda image: image, loaders.pad_crop_flip(side, pil=False))
        pil = loaders.Pictures(few, functional.to_pil_image, loaders.pad_crop_flip(side, pil=True))
        run = small_pictures(images)
        candidates = {
            "ravine, one thread": with_threads(1, run),
            "ravine, torch with two threads": with_threads(2, run),
            "ravine, made ahead in a second thread": with_threads(1, small_pictures(images, ahead=2)),
            "an epoch at once, one thread": with_threads(1, at_once(images)),
            "an epoch at once, two threads": with_threads(2, at_once(images)),
            "DataLoader, v2 on tensors, 0 workers": passes(tensors, 0, SMALL_BATCH),
            "DataLoader, v2 on tensors, 2 workers": passes(tensors, 2, SMALL_BATCH),
            "DataLoader, v2 on PIL, 0 workers": passes(pil, 0, SMALL_BATCH),
            "DataLoader, v2 on PIL, 2 workers": passes(pil, 2, SMALL_BATCH),
        }
        title = f"{side}×{side}×{channels}, pad {MARGIN}, crop, flip; batches of {SMALL_BATCH}, random pixels"
        report(title, candidates, rounds)
    print("\nGoal at 28 pixels: 500,000 pictures/s on two threads")


def report(title: str, candidates: dict[str, Candidate], rounds: int) -> None:
    rates = interleaved(candidates, rounds)
    own = next(iter(candidates))
    rows = [
        [
            name,
            round(median(values)),
            f"{round(min(values)):,} to {round(max(values)):,}",
            round(ratio(rates, own, name), 2),
        ]
        for name, values in rates.items()
    ]
    show(f"{title} (median of {rounds})", ("loader", "pictures/s", "range", f"{own}: times as fast"), rows)


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


def from_files(files: list[Path]) -> dict[str, Candidate]:
    pil = loaders.Pictures(files, loaders.by_pil, loaders.crop_flip(STORED, SIDE, pil=True))
    tensors = loaders.Pictures(files, loaders.by_torchvision, loaders.crop_flip(STORED, SIDE, pil=False))
    return {
        "DataLoader, PIL, 2 workers": passes(pil, 2, LARGE_BATCH),
        "DataLoader, PIL, 0 workers": passes(pil, 0, LARGE_BATCH),
        "DataLoader, torchvision's decoder and v2 on tensors, 2 workers": passes(tensors, 2, LARGE_BATCH),
    }


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


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sections = {"small": small, "large": large, "packing": packing, "decoders": decoders}
    words.add_argument("--only", choices=list(sections))
    words.add_argument("--rounds", type=int, default=7)
    given = words.parse_args()
    keep_freed_memory()
    print(machine())
    for name, section in sections.items():
        if given.only in (None, name):
            section(given.rounds)


if __name__ == "__main__":
    main()
