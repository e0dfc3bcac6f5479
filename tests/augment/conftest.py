"""Batches of random pictures, as the loop hands them to augmentations."""

from collections.abc import Callable, Sequence

import pytest
import torch

from ravine.moments import SampleDraws, Samples

MakeSamples = Callable[..., Samples]
PACK = 40


@pytest.fixture
def make_samples() -> MakeSamples:
    """A function of seed, epoch, rows of a pack of 40 pictures, size and channels to a batch."""

    def make(
        seed: int = 0,
        epoch: int = 0,
        rows: Sequence[int] = tuple(range(12)),
        size: tuple[int, int] = (9, 9),
        channels: int = 3,
    ) -> Samples:
        generator, chosen = torch.Generator().manual_seed(0), torch.tensor(rows)
        pack = torch.randint(0, 256, (PACK, *size, channels), dtype=torch.uint8, generator=generator)
        targets = torch.eye(5)[torch.arange(PACK) % 5]
        return Samples(pack[chosen], targets[chosen], SampleDraws(seed, epoch, chosen, PACK), epoch)

    return make
