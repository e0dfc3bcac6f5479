import pytest

from ravine.data.placement import batches_ahead, placement


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
