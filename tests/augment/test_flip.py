from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ravine.augment.flip import CHUNK_BYTES, Flip, flip, turn
from ravine.base.errors import PlanError


def test_pictures_are_mirrored_as_pillow_does(make_samples):
    images, mirrored = make_samples().images, torch.arange(12) % 3 == 0
    for before, after, is_mirrored in zip(images.numpy(), flip(images, mirrored).numpy(), mirrored, strict=True):
        expected = np.asarray(ImageOps.mirror(Image.fromarray(before))) if is_mirrored else before
        assert np.array_equal(after, expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("size", [(28, 28, 1), (32, 32, 3), (33, 65, 3), (300, 301, 3)])
def test_wide_pictures_are_mirrored_pixel_by_pixel(size, dtype):
    images, mirrored = torch.randint(0, 256, (9, *size)).to(dtype), torch.arange(9) % 2 == 0
    for turned in (flip(images, mirrored), flip(images.movedim(1, 2).contiguous().movedim(1, 2), mirrored)):
        assert turned.is_contiguous()
        assert torch.equal(turned[1::2], images[1::2])
        assert np.array_equal(turned[::2].numpy(), images[::2].numpy()[:, :, ::-1])


@given(st.lists(st.booleans(), max_size=9), st.sampled_from([1, 24, 100, CHUNK_BYTES]))
def test_pictures_are_turned_where_they_are_however_many_at_a_time(mirrored, chunk_bytes):
    images = torch.randint(0, 256, (len(mirrored), 4, 2, 3), dtype=torch.uint8)
    expected = flip(images, torch.tensor(mirrored, dtype=torch.bool))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ravine.augment.flip.CHUNK_BYTES", chunk_bytes)
        assert turn(images, torch.tensor(mirrored, dtype=torch.bool)) is images
    assert torch.equal(images, expected)


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3]), st.lists(st.booleans(), min_size=1, max_size=5))
def test_twice_mirrored_is_as_before(height, width, channels, mirrored):
    images = torch.randint(0, 256, (len(mirrored), height, width, channels), dtype=torch.uint8)
    assert torch.equal(flip(flip(images, torch.tensor(mirrored)), torch.tensor(mirrored)), images)


def test_alternating_flips_show_a_picture_both_ways_in_any_two_epochs(make_samples):
    seen = [Flip().mirrored(make_samples(4, epoch, rows=range(40))) for epoch in range(5)]
    assert all(torch.equal(one, ~other) for one, other in pairwise(seen))
    assert 10 < seen[0].sum() < 30


def test_the_first_of_two_alternating_views_depends_on_the_picture_and_the_seed(make_samples):
    mirrored = Flip().mirrored(make_samples(4, rows=range(40)))
    assert torch.equal(Flip().mirrored(make_samples(4, rows=[7, 2])), mirrored[[7, 2]])
    assert not torch.equal(Flip().mirrored(make_samples(5, rows=range(40))), mirrored)


@pytest.mark.parametrize(("p", "least", "most"), [(0.0, 0, 0), (0.25, 0.19, 0.31), (1.0, 1, 1)])
def test_random_flips_mirror_a_share_of_p(p, least, most, make_samples):
    part = Flip(mode="random", p=p)
    mirrored = torch.stack([part.mirrored(make_samples(epoch=epoch, rows=range(40))) for epoch in range(30)])
    assert least <= mirrored.float().mean() <= most
    assert p in (0, 1) or len(mirrored.unique(dim=0)) == 30


def test_a_probability_that_would_change_nothing_is_refused():
    with pytest.raises(PlanError, match="no effect on alternating flips"):
        Flip(p=0.3)
