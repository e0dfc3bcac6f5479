import numpy as np
import pytest

from ravine.data.batches import Batches
from ravine.data.placement import BLOCK_BYTES, batches_ahead, batches_at_once, placement


@pytest.mark.parametrize(
    ("pack", "memory", "gpu", "place"),
    [
        (50, 100, None, "memory"),
        (51, 100, None, "disk"),
        (51, None, None, "memory"),
        (50, 10, 100, "device"),
        (51, 1000, 100, "memory"),
        (51, 100, 100, "disk"),
    ],
)
def test_a_pack_takes_half_of_what_is_free_at_most(pack, memory, gpu, place):
    assert placement(pack, memory, gpu) == place


@pytest.mark.parametrize(
    ("place", "gpu", "ahead"),
    [("memory", False, 0), ("disk", False, 2), ("device", True, 0), ("memory", True, 2), ("disk", True, 2)],
)
def test_batches_are_made_ahead_where_the_processor_would_wait(place, gpu, ahead):
    assert batches_ahead(place, gpu) == ahead


@pytest.mark.parametrize(("side", "seeds", "copies"), [(28, 1, 0), (28, 1, 1), (28, 16, 16), (28, 2, 400), (224, 1, 1)])
def test_a_block_is_bounded_by_bytes_and_holds_a_batch(side, seeds, copies):
    images, labels = np.zeros((64, side, side, 3), np.uint8), np.zeros(64, np.int64)
    batches = Batches(images, labels, labels, batch_size=32, seeds=range(seeds))
    block = batches_at_once(batches, copies)
    assert block >= 1
    assert block == 1 or block * images[0].size * 32 <= BLOCK_BYTES
    assert block == 1 or (block + 1) * images[0].size * 32 * max(seeds, copies) > BLOCK_BYTES
