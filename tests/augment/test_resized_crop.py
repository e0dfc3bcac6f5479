import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ravine.augment.resized_crop import part, resized_crop


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(9, 9), (16, 23)])
def test_parts_are_resized_as_pillow_does(channels, size, make_samples):
    images = make_samples(channels=channels, size=size).images
    boxes = part(torch.rand(4, 12), 0.1, 2.0, *size)
    for before, after, box in zip(images.numpy(), resized_crop(images, boxes).numpy(), boxes.tolist(), strict=True):
        row, column, rows, columns = box
        cut = before[row : row + rows, column : column + columns]
        picture = Image.fromarray(cut if channels == 3 else cut[..., 0])
        expected = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR)).reshape(*size, channels)
        assert np.abs(after.astype(int) - expected).max() <= 1


def test_antialiasing_would_change_nothing():
    images = torch.rand(1, 3, 20, 20)
    cut = images[..., 3:15, 2:19]
    plain, smooth = (
        torch.nn.functional.interpolate(cut, (20, 20), mode="bilinear", antialias=antialias)
        for antialias in (False, True)
    )
    torch.testing.assert_close(plain, smooth, rtol=0, atol=1e-6)


@given(
    st.lists(st.floats(0, 0.99999), min_size=4, max_size=4),
    st.floats(0.01, 1),
    st.floats(1, 4),
    st.integers(1, 50),
    st.integers(1, 50),
)
def test_parts_lie_inside(numbers, smallest, aspect, height, width):
    row, column, rows, columns = part(torch.tensor(numbers)[:, None], smallest, aspect, height, width)[0].tolist()
    assert 0 <= row <= row + rows - 1 < height
    assert 0 <= column <= column + columns - 1 < width
    assert rows >= 1 <= columns


def test_areas_and_aspects_are_as_said():
    _, _, rows, columns = part(
        torch.rand(4, 20_000, generator=torch.Generator().manual_seed(0)), 0.25, 1.5, 1000, 2000
    ).T
    area, ratio = rows * columns / 2e6, (columns / 2000) / (rows / 1000)
    assert (area.sort().values - torch.linspace(0.25, 1, 20_000)).abs().max() < 0.015
    assert 1.49 < ratio.max() < 1.51
    assert 1.49 < 1 / ratio.min() < 1.51
    assert abs(ratio.log().mean()) < 0.01


def test_places_are_spread_over_what_is_free():
    row, _, rows, _ = part(torch.rand(4, 5000, generator=torch.Generator().manual_seed(0)), 0.3, 1.0, 11, 11).T
    small = rows == rows.min()
    free = int(11 - rows.min() + 1)
    counts = torch.bincount(row[small], minlength=free)
    assert len(counts) == free
    assert (counts / counts.sum() - 1 / free).abs().max() < 0.05
