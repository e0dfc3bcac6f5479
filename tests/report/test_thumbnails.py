import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ravine.report.thumbnails import data_uri


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (32, 20, 3), (1, 1)])
def test_small_pictures_stay_exact(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image = decoded(data_uri(picture))
    assert image.format == "PNG"
    np.testing.assert_array_equal(np.asarray(image), picture.reshape(picture.shape[:2] + (3,) * (shape[2:] == (3,))))


@given(st.integers(1, 400), st.integers(1, 400))
def test_large_pictures_shrink_to_the_side_and_keep_their_form(height, width):
    image = decoded(data_uri(np.full((height, width, 3), 90, np.uint8), side=100))
    assert max(image.size) == min(100, max(height, width))
    if max(height, width) > 100:
        scale = 100 / max(height, width)
        assert abs(image.width - width * scale) <= 1 and abs(image.height - height * scale) <= 1


def test_large_pictures_are_jpeg_and_nearly_the_same():
    rows = np.linspace(0, 255, 150, dtype=np.uint8)
    picture = np.repeat(np.tile(rows, (150, 1))[..., None], 3, axis=2)
    image = decoded(data_uri(picture))
    assert image.format == "JPEG"
    assert np.abs(np.asarray(image).astype(int) - picture).mean() < 3


def test_a_picture_that_is_a_view_of_a_larger_one_can_be_encoded():
    picture = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)[::2, ::-2]
    np.testing.assert_array_equal(np.asarray(decoded(data_uri(picture))), picture)
