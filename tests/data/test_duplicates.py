import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ravine.data.duplicates import THUMBNAIL, near_duplicates, shrink

FASHION = Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")


def found(pictures):
    thumbnails = np.stack([shrink(picture, THUMBNAIL, THUMBNAIL) for picture in pictures])
    aspects = np.array([picture.shape[1] / picture.shape[0] for picture in pictures])
    return near_duplicates(thumbnails, aspects, pictures.__getitem__)


def test_slight_noise_and_brightness_are_the_same_picture(make_picture):
    pictures = [make_picture(seed, 100, 100) for seed in range(20)]
    noise = np.random.default_rng(0).integers(-3, 4, (100, 100, 3))
    pictures.append((pictures[3].astype(int) + noise).clip(0, 255).astype(np.uint8))
    pictures.append((pictures[7].astype(int) + 2).clip(0, 255).astype(np.uint8))
    assert found(pictures) == ((3, 20), (7, 21))


def test_a_scratch_tells_pictures_apart(make_picture):
    whole = make_picture(0, 200, 200)
    scratched = whole.copy()
    scratched[60:140, 100:104] = 255 - scratched[60:140, 100:104] // 2
    assert found([whole, scratched, make_picture(1, 200, 200)]) == ()


def test_mirror_images_and_other_shapes_are_not_found(make_picture):
    picture = make_picture(0, 100, 100)
    stretched = np.asarray(Image.fromarray(picture).resize((150, 100)))
    assert found([picture, picture[:, ::-1], stretched]) == ()


def test_flat_pictures_are_not_compared():
    assert found([np.full((30, 30, 3), level, np.uint8) for level in (100, 101, 102)]) == ()


def test_faint_differences_of_faint_pictures_count(make_picture):
    faint = [100 + make_picture(seed, 60, 60) // 12 for seed in range(12)]
    assert found(faint) == ()


def test_fewer_than_two_pictures(make_picture):
    assert found([make_picture()]) == ()


@pytest.mark.assets
@pytest.mark.skipif(not FASHION.exists(), reason="needs Debian's package dataset-fashion-mnist")
def test_what_is_found_in_fashion_mnist_is_the_same_picture():
    content = gzip.decompress(FASHION.read_bytes())
    x = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28, 1)[:30_000]
    coarse = np.stack([shrink(np.repeat(picture, 3, 2), THUMBNAIL, THUMBNAIL)[..., :1] for picture in x])
    sets = near_duplicates(coarse, np.ones(len(x)), lambda index: np.repeat(x[index], 3, 2))
    assert 0 < len(sets) < 10
    for members in sets:
        first, second = x[list(members[:2])].reshape(2, -1).astype(float)
        assert np.corrcoef(first, second)[0, 1] > 0.995
