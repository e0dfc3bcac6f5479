import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.augment.crop import Crop, cut, shift
from ravine.base.errors import PlanError


def padded_and_cropped(image, down, right, border, value):
    """The slow way, one picture: pad by more than the shift, and cut out."""
    height, width, _ = image.shape
    pad = ((height - 1, height - 1), (width - 1, width - 1), (0, 0))
    wide = np.pad(image, pad, mode="reflect") if border == "reflect" else np.pad(image, pad, constant_values=value)
    top, left = height - 1 - down, width - 1 - right
    return wide[top : top + height, left : left + width]


@given(
    st.data(), st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 3]), st.sampled_from(["reflect", "constant"])
)
def test_shifts_are_pads_and_crops(data, height, width, channels, border):
    images = torch.randint(0, 256, (3, height, width, channels), dtype=torch.uint8)
    down, right = (
        torch.tensor(data.draw(st.lists(st.integers(1 - side, side - 1), min_size=3, max_size=3)))
        for side in (height, width)
    )
    moved = shift(images, down, right, border, 77.4)
    for image, one, d, r in zip(images.numpy(), moved.numpy(), down.tolist(), right.tolist(), strict=True):
        assert np.array_equal(one, padded_and_cropped(image, d, r, border, 77))


@pytest.mark.parametrize("border", ["reflect", "constant"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("size", [(28, 28, 1), (32, 32, 3), (17, 40, 3)])
def test_a_margin_changes_no_pixel(size, dtype, border):
    images = torch.randint(0, 256, (20, *size)).to(dtype)
    down, right = torch.randint(-4, 5, (2, 20))
    narrow = shift(images, down, right, border, 77.4, margin=4)
    assert narrow.dtype == dtype
    assert torch.equal(narrow, shift(images, down, right, border, 77.4))
    for image, one, d, r in zip(images.numpy(), narrow.numpy(), down.tolist(), right.tolist(), strict=True):
        value = 77 if dtype == torch.uint8 else 77.4
        np.testing.assert_allclose(one, padded_and_cropped(image, d, r, border, value), rtol=1e-7)


def test_pictures_may_lie_in_memory_in_any_order():
    images = torch.randint(0, 256, (3, 3, 9, 8), dtype=torch.uint8).movedim(1, -1)
    down, right = torch.tensor([2, 0, -3]), torch.tensor([-1, 4, 0])
    for border in ("reflect", "constant"):
        assert torch.equal(shift(images, down, right, border), shift(images.contiguous(), down, right, border))


@given(st.data(), st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 3]))
def test_parts_are_slices(data, height, width, channels):
    pack = torch.randint(0, 256, (5, 7, 7, channels), dtype=torch.uint8)
    top, left, pictures = (
        torch.tensor(data.draw(st.lists(st.integers(0, most), min_size=4, max_size=4)))
        for most in (7 - height, 7 - width, 4)
    )
    parts = cut(pack, top, left, (height, width), pictures)
    for part, row, column, picture in zip(parts, top, left, pictures, strict=True):
        assert torch.equal(part, pack[picture, row : row + height, column : column + width])


def test_parts_are_of_all_pictures_in_order_if_not_said_otherwise():
    pack = torch.randint(0, 256, (5, 7, 7, 3), dtype=torch.uint8)
    top, left = torch.randint(0, 3, (2, 5))
    assert torch.equal(cut(pack, top, left, (5, 5)), cut(pack, top, left, (5, 5), torch.arange(5)))


def test_every_shift_up_to_the_share_occurs_alike(make_samples):
    part = Crop(share=0.25)
    rows, columns = np.mgrid[:9, :9]
    marked = torch.tensor(np.stack([rows, columns, 0 * rows], -1), dtype=torch.uint8).expand(40, -1, -1, -1)
    centres = [
        part.augment(make_samples(epoch=epoch, rows=range(40)).with_images(marked)).images[:, 4, 4, :2]
        for epoch in range(60)
    ]
    for places in torch.cat(centres).T:
        values, counts = places.unique(return_counts=True)
        assert values.tolist() == [2, 3, 4, 5, 6]
        assert (counts / counts.sum() - 0.2).abs().max() < 0.03


def test_a_constant_is_what_comes_in_from_outside(make_samples):
    before = make_samples().with_images(torch.full((12, 9, 9, 1), 3, dtype=torch.uint8))
    assert Crop(0.5, "constant", 200.0).augment(before).images.unique().tolist() == [3, 200]
    assert Crop(0.5, "reflect").augment(before).images.unique().tolist() == [3]


def test_shifts_beyond_half_a_picture_are_refused():
    with pytest.raises(PlanError, match=r"Crop.share = 0.6 is outside its range. Choose a number in \[0, 0.5\]"):
        Crop(share=0.6)
