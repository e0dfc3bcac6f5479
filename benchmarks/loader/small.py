"""Small pictures in memory: padded, cropped and flipped."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from benchmarks.loader.comparing import MARGIN, equal, passes, report, with_threads
from benchmarks.peers import loaders
from benchmarks.rates import Candidate
from ravine.augment.augmentation import Augmentation
from ravine.augment.crop import Crop, shift
from ravine.augment.flip import Flip, flip
from ravine.data.batches import Batch, Batches
from ravine.data.placement import batches_at_once
from ravine.data.ring import Ring
from ravine.train.techniques import MemberTechniques

SMALL, SMALL_PEER, SMALL_BATCH = 50_000, 2_000, 128

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


def at_once(images: Tensor) -> Candidate:
    """An epoch padded, cropped and flipped in one go; padding anew each time, as Ravine does."""
    first, side = images.movedim(-1, 1).contiguous(), images.shape[1]

    def run() -> int:
        wide = functional.pad(first, [MARGIN] * 4, padding_mode="reflect")
        top, left = torch.randint(0, 2 * MARGIN + 1, (2, len(first)))
        return len(loaders.epoch_at_once(wide, top, left, torch.rand(len(first)) < 0.5, side))

    return run


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
