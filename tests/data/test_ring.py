import threading
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.augment.crop import Crop
from ravine.augment.cutout import Cutout
from ravine.augment.flip import Flip
from ravine.data.batches import Batches
from ravine.data.ring import Ring
from ravine.data.slot import Slot
from ravine.moments import SampleDraws, Samples

COUNT, EPOCHS = 23, 3
IMAGES = torch.randint(0, 256, (COUNT + 7, 9, 9, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
PARTS = (Crop(), Flip(), Cutout())


def batches_of(batch_size):
    """Two streams over 23 of 30 pictures."""
    return Batches(IMAGES, np.arange(COUNT + 7) % 4, np.arange(7, COUNT + 7), batch_size=batch_size, seeds=(3, 4))


@pytest.fixture
def batches():
    """In batches of 5; the last has 3."""
    return batches_of(5)


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")] == []


def keys(batches, epochs=EPOCHS):
    return [(epoch, number) for epoch in range(epochs) for number in range(len(batches))]


def spans(batches, epochs=EPOCHS):
    return [(epoch, range(len(batches))) for epoch in range(epochs)]


def parts(block, size=5):
    return [block.part(slice(start, start + size)) for start in range(0, block.rows.shape[1], size)]


def augmented(block, epoch, size=5):
    """What a member sees of the first stream, batch by batch."""
    targets = torch.nn.functional.one_hot(block.labels[0], 4).float()
    samples = Samples(block.images[0], targets, SampleDraws(9, epoch, block.rows[0], COUNT + 7), epoch)
    for part in PARTS:
        samples = part.augment(samples)
    images = samples.images.split(size)
    return [(part, batch.labels.clone(), batch.rows) for part, batch in zip(images, parts(block, size), strict=True)]


@given(batch_size=st.integers(2, 30), block=st.integers(1, 12), ahead=st.sampled_from([0, 1, 2, 50]))
def test_order_and_bits_are_those_of_batches_made_one_by_one(batch_size, block, ahead):
    batches = batches_of(batch_size)
    prepare = partial(augmented, size=batch_size)
    with Ring(batches, spans(batches), prepare, block=block, ahead=ahead) as ring:
        for key, found in zip(keys(batches), ring, strict=True):
            (alone,) = prepare(batches.at(*key), key[0])
            assert all(torch.equal(one, other) for one, other in zip(found, alone, strict=True))


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("ahead", [0, 2])
def test_a_batch_holds_until_the_next_is_asked_for(batches, ahead, block):
    with Ring(batches, spans(batches), lambda block, _: parts(block), block=block, ahead=ahead) as ring:
        for key, batch in zip(keys(batches), ring, strict=True):
            for one, other in zip(batch, batches.at(*key), strict=True):
                assert torch.equal(one, other)


def test_a_block_ends_with_its_span(batches):
    with Ring(batches, [(0, range(3)), (1, range(1, 5))], lambda block, _: [block.rows.shape[1]], block=2) as ring:
        assert list(ring) == [10, 5, 10, 8]


def test_memory_is_used_again(batches):
    with Ring(batches, spans(batches), lambda block, _: [block.images.data_ptr()], ahead=2) as ring:
        assert len(set(ring)) == 4


def test_no_more_than_the_slots_are_made_ahead(batches):
    made, enough = [], threading.Event()

    def prepare(block, epoch):
        made.append(epoch)
        if len(made) == 4:
            enough.set()
        return parts(block)

    with Ring(batches, spans(batches), prepare, ahead=2) as ring:
        next(ring)
        assert enough.wait(10)
    assert len(made) == 4


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_a_failure_reaches_whoever_asks_for_that_batch(batches, ahead):
    def prepare(block, epoch):
        if epoch == 1:
            raise RuntimeError(f"no memory for a block of epoch {epoch}")
        return [batch.labels.shape[1] for batch in parts(block)]

    with Ring(batches, spans(batches), prepare, block=2, ahead=ahead) as ring:
        assert [next(ring) for _ in range(5)] == [5, 5, 5, 5, 3]
        with pytest.raises(RuntimeError, match="no memory for a block of epoch 1"):
            next(ring)
        assert list(ring) == []


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_failure_in_work_that_was_left_for_the_consumer_ends_the_ring(batches, ahead):
    def prepare(block, epoch):
        return (batch.labels.shape[1] // (batch.labels.shape[1] - 3) for batch in parts(block))

    with Ring(batches, spans(batches), prepare, block=9, ahead=ahead) as ring:
        assert [next(ring) for _ in range(4)] == [2, 2, 2, 2]
        with pytest.raises(ZeroDivisionError):
            next(ring)
        assert list(ring) == []


def test_a_batch_that_does_not_exist_is_a_failure_too(batches):
    with (
        Ring(batches, [(0, range(99, 100))], augmented, ahead=1) as ring,
        pytest.raises(IndexError, match="batch 99 of 5"),
    ):
        next(ring)


@pytest.mark.parametrize("taken", [0, 1, 7, 15])
@pytest.mark.parametrize("ahead", [0, 2])
def test_closing_early_ends_the_thread(batches, taken, ahead):
    ring = Ring(batches, spans(batches), augmented, ahead=ahead)
    for _ in range(taken):
        next(ring)
    ring.close()
    ring.close()
    assert list(ring) == []


def test_a_failure_of_the_consumer_ends_the_thread(batches):
    with pytest.raises(KeyError), Ring(batches, spans(batches), augmented, ahead=2) as ring:
        next(ring)
        raise KeyError


def test_spans_without_end_are_drawn_only_as_needed(batches):
    epochs = iter(range(10**9))
    with Ring(batches, ((epoch, range(1)) for epoch in epochs), augmented, ahead=2) as ring:
        next(ring)
    assert next(epochs) <= 5


def test_torch_has_one_core_in_the_thread_and_as_many_as_before_outside(batches):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    with Ring(batches, spans(batches), lambda *_: [torch.get_num_threads()], ahead=2) as ring:
        assert torch.get_num_threads() == 3
        assert set(ring) == {1}
    assert torch.get_num_threads() == 3
    torch.set_num_threads(before)


def test_a_pack_may_be_mapped_from_its_file(batches, tmp_path):
    path = tmp_path / "pixels"
    IMAGES.numpy().tofile(path)
    mapped = np.memmap(path, np.uint8, "c", 0, tuple(IMAGES.shape))
    other = Batches(mapped, batches.labels, batches.indices, batch_size=5, seeds=(3, 4))
    with Ring(other, spans(other, 1), lambda batch, _: [batch.images.clone()], ahead=2) as ring:
        for key, images in zip(keys(batches, 1), ring, strict=True):
            assert torch.equal(images, batches.at(*key).images)


def test_a_slot_has_room_for_all_pictures_where_a_batch_would_hold_more():
    few = Batches(IMAGES, torch.arange(COUNT + 7), np.arange(3), batch_size=128, seeds=(0,))
    batch = Slot(few).gather(few, 0, 0)
    assert all(torch.equal(one, other) for one, other in zip(batch, few.at(0, 0), strict=True))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("ahead", [0, 1, 3])
@pytest.mark.parametrize("on_device", [False, True])
@pytest.mark.parametrize("block", [1, 3])
def test_batches_on_a_gpu_are_those_on_the_cpu(batches, ahead, on_device, block):
    place = "cuda" if on_device else "cpu"
    other = Batches(IMAGES.to(place), batches.labels.to(place), batches.indices, batch_size=5, seeds=(3, 4))
    busy = torch.randn(2000, 2000, device="cuda")
    with Ring(other, spans(other, 20), augmented, block=block, ahead=ahead, device="cuda") as ring:
        for (epoch, number), found in zip(keys(other, 20), ring, strict=True):
            busy = (busy @ busy).tanh()  # so that copies overtake what the GPU is asked for, if they can
            for one, here in zip(found, augmented(batches.at(epoch, number), epoch)[0], strict=True):
                assert torch.equal(one.cpu(), here)
