import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from ravine.augment.warp import warp

SCIPY_BORDERS = {"reflect": "reflect", "constant": "grid-constant"}


def warped(image, matrix, border, value):
    """The slow way, one picture and channel at a time; SciPy counts rows first."""
    centre = (np.array(image.shape[:2]) - 1) / 2
    rows_first = matrix[::-1, ::-1]
    offset = centre - rows_first @ centre
    channels = [
        affine_transform(channel, rows_first, offset, order=1, mode=SCIPY_BORDERS[border], cval=value)
        for channel in np.moveaxis(image, -1, 0)
    ]
    return np.stack(channels, -1)


@given(
    st.integers(2, 9),
    st.integers(2, 9),
    st.sampled_from([1, 3]),
    st.lists(st.floats(-2, 2), min_size=4, max_size=4),
    st.sampled_from(["reflect", "constant"]),
)
def test_linear_maps_agree_with_scipy(height, width, channels, entries, border):
    image = torch.rand(1, height, width, channels) * 255
    matrix = torch.tensor(entries).view(1, 2, 2)
    expected = warped(image[0].double().numpy(), matrix[0].double().numpy(), border, 50.0)
    np.testing.assert_allclose(warp(image, matrix, border, 50.0)[0], expected, atol=0.02)


@pytest.mark.parametrize("border", ["reflect", "constant"])
@pytest.mark.parametrize("size", [(5, 8), (224, 224)])
def test_the_identity_is_exact(border, size):
    images = torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8)
    assert torch.equal(warp(images, torch.eye(2).repeat(2, 1, 1), border), images)


def test_each_picture_has_its_own_map():
    images = torch.randint(0, 256, (2, 4, 4, 1), dtype=torch.uint8)
    result = warp(images, torch.stack([torch.eye(2), -torch.eye(2)]))
    assert torch.equal(result[0], images[0])
    assert torch.equal(result[1], images[1].flip(0, 1))
