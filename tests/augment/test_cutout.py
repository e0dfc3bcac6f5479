import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.augment.cutout import Cutout, cutout


def erased(image, row, column, side, fill):
    """The slow way, one picture."""
    result, (height, width, _) = image.copy(), image.shape
    top, left = row - side // 2, column - side // 2
    result[max(top, 0) : min(top + side, height), max(left, 0) : min(left + side, width)] = fill
    return result


@given(st.data(), st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 3]))
def test_the_square_is_erased_and_the_rest_stays(data, height, width, channels):
    images = torch.randint(0, 256, (3, height, width, channels), dtype=torch.uint8)
    side = data.draw(st.integers(1, min(height, width)))
    row, column = (
        torch.tensor(data.draw(st.lists(st.integers(0, length - 1), min_size=3, max_size=3)))
        for length in (height, width)
    )
    fill = torch.randint(0, 256, (3, channels), dtype=torch.uint8)
    after = cutout(images, row, column, side, fill)
    for image, one, r, c, f in zip(images.numpy(), after.numpy(), row, column, fill.numpy(), strict=True):
        assert np.array_equal(one, erased(image, int(r), int(c), side, f))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_mean_is_the_picture_s_own(channels, make_samples):
    before = make_samples(channels=channels)
    after = Cutout(side=1.0).augment(before).images
    for image, one in zip(before.images.numpy(), after.numpy(), strict=True):
        assert np.array_equal(one[4, 4], np.round(image.astype(float).mean((0, 1))))


def test_areas_are_between_a_quarter_of_the_square_and_all_of_it(make_samples):
    before = make_samples(rows=range(40)).with_images(torch.full((40, 20, 20, 1), 9, dtype=torch.uint8))
    areas = (Cutout(0.4, "constant", 255.0).augment(before).images == 255).sum((1, 2, 3))
    assert areas.max() == 64
    assert 16 <= areas.min() < 64


def test_centres_are_any_pixel_alike(make_samples):
    part, counts = Cutout(0.12, "constant", 1.0), torch.zeros(9, 9)
    for epoch in range(60):
        blank = make_samples(epoch=epoch, rows=range(40)).with_images(torch.zeros(40, 9, 9, 1, dtype=torch.uint8))
        counts += part.augment(blank).images[..., 0].sum(0)
    assert counts.sum() == 2400
    assert ((counts.sum(0) - 2400 / 9).abs() < 75).all()
    assert ((counts.sum(1) - 2400 / 9).abs() < 75).all()


def test_a_constant_is_the_same_for_all_channels(make_samples):
    after = Cutout(1.0, "constant", 200.4).augment(make_samples()).images
    assert (after[:, 4, 4] == 200).all()
