import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.data.batches import Batches, channels_first, gather, order
from ravine.data.slot import Slot


def batches_of(count, batch_size, seeds=(0,), pictures=None):
    pictures = pictures or count
    images = np.arange(pictures, dtype=np.uint8).reshape(-1, 1, 1, 1) * np.ones((1, 3, 2, 1), np.uint8)
    indices = np.arange(pictures - count, pictures)
    return Batches(images, np.arange(pictures) % 3, indices, batch_size=batch_size, seeds=seeds)


@given(count=st.integers(1, 40), batch_size=st.integers(1, 12), epoch=st.integers(0, 3))
def test_an_epoch_holds_each_picture_once(count, batch_size, epoch):
    batches = batches_of(count, batch_size, pictures=50)
    rows = [batches.rows(epoch, number) for number in range(len(batches))]
    assert all(part.shape[1] == batch_size for part in rows[:-1])
    seen = np.concatenate(rows, axis=1)[0].tolist()
    dropped = count > 1 and batch_size > 1 and count % batch_size == 1
    assert len(set(seen)) == len(seen) == count - dropped
    assert set(seen) <= set(range(50 - count, 50))


def test_images_labels_and_rows_belong_together():
    batch = batches_of(20, 6, seeds=(3, 4)).at(epoch=1, batch=2)
    assert batch.images.shape == (2, 6, 3, 2, 1)
    assert batch.images.dtype == torch.uint8
    assert torch.equal(batch.images[..., 0, 0, 0].long(), batch.rows)
    assert torch.equal(batch.labels, batch.rows % 3)


def test_a_stream_is_the_same_alone_and_beside_others_and_at_any_time():
    both, alone = batches_of(20, 6, seeds=(3, 4)), batches_of(20, 6, seeds=(4,))
    expected = [both.rows(epoch, number)[1] for epoch in range(3) for number in range(4)]
    found = {
        (epoch, number): alone.rows(epoch, number)[0] for epoch in reversed(range(3)) for number in reversed(range(4))
    }
    for place, (epoch, number) in enumerate((epoch, number) for epoch in range(3) for number in range(4)):
        assert np.array_equal(found[epoch, number], expected[place])


@given(count=st.integers(2, 40), batch_size=st.integers(1, 12), data=st.data())
def test_a_block_is_the_batches_that_it_holds(count, batch_size, data):
    batches = batches_of(count, batch_size, seeds=(3, 4))
    first = data.draw(st.integers(0, len(batches) - 1))
    several = data.draw(st.integers(1, len(batches) - first))
    alone = [batches.rows(2, number) for number in range(first, first + several)]
    assert np.array_equal(batches.rows(2, first, several), np.concatenate(alone, axis=1))


def test_orders_differ_between_seeds_and_epochs():
    orders = {tuple(order(seed, epoch, 30)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9
    assert order(1, 2, 30).dtype == np.int64


def test_a_batch_larger_than_the_epoch():
    assert batches_of(5, 64).at(0, 0).images.shape == (1, 5, 3, 2, 1)


@pytest.mark.parametrize("batch", [-1, 4])
def test_batches_out_of_range(batch):
    with pytest.raises(IndexError, match=f"batch {batch} of 4"):
        batches_of(20, 6).rows(0, batch)


def test_blocks_out_of_range():
    with pytest.raises(IndexError, match="batch 4 of 4"):
        batches_of(20, 6).rows(0, 2, 3)


def test_gather_against_indexing():
    values, rows = torch.randn(10, 3, 2), torch.tensor([[1, 9], [0, 0], [4, 2]])
    assert torch.equal(gather(values, rows), values[rows])


def test_channels_first_is_a_view_in_channels_last_memory():
    images = torch.arange(2 * 4 * 5 * 3, dtype=torch.uint8).reshape(2, 4, 5, 3)
    view = channels_first(images)
    assert view.shape == (2, 3, 4, 5)
    assert view.is_contiguous(memory_format=torch.channels_last)
    assert view.data_ptr() == images.data_ptr()


def test_copies_of_a_picture_within_an_epoch_have_keys_of_their_own() -> None:
    images, labels = np.zeros((6, 2, 2, 1), np.uint8), np.arange(6)
    twice = np.array([3, 3, 1, 3, 0, 3])
    batches = Batches(
        images, labels, np.arange(6), batch_size=4, seeds=(0, 1), orders=[lambda _: twice, lambda _: None]
    )
    slot = Slot(batches, 2)
    assert slot.gather(batches, 2, 0, 2).keys.tolist() == [list(range(6)), batches.rows(2, 0, 2)[1].tolist()]
    some = [batches.at(2, number) for number in range(2)]
    assert [batch.keys[0].tolist() for batch in some] == [[0, 1, 2, 3], [4, 5]]
    assert torch.cat([batch.rows[0] for batch in some]).tolist() == twice.tolist()
    assert all(torch.equal(batch.keys[1], batch.rows[1]) for batch in some)
