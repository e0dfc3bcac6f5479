import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ravine.augment.scale import Scale, scale


def test_twice_as_large_is_pillow_s_resize_of_the_middle(make_samples):
    images = make_samples(size=(16, 16)).images
    for before, after in zip(images.numpy(), scale(images, torch.full((12,), 2.0)).numpy(), strict=True):
        expected = np.asarray(Image.fromarray(before).resize((32, 32), Image.Resampling.BILINEAR))[8:24, 8:24]
        assert np.abs(after.astype(int) - expected).max() <= 1


def test_half_as_large_is_the_mean_of_two_by_two_and_its_reflections():
    image = torch.arange(16.0).view(1, 4, 4, 1)
    half = image.view(2, 2, 2, 2).mean((1, 3))
    expected = torch.nn.functional.pad(half[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    torch.testing.assert_close(scale(image, torch.tensor([0.5]))[0, ..., 0], expected)


@given(st.floats(0.5, 2), st.sampled_from(["reflect", "constant"]))
def test_one_shade_stays(factor, border):
    images = torch.full((1, 7, 5, 3), 90, dtype=torch.uint8)
    assert torch.equal(scale(images, torch.tensor([factor]), border, 90.0), images)


def test_factors_are_as_often_above_one_as_below(make_samples):
    spot = torch.zeros(40, 63, 63, 1, dtype=torch.uint8)
    spot[:, 21:42, 21:42] = 255
    batches = [make_samples(epoch=epoch, rows=range(40)).with_images(spot) for epoch in range(10)]
    areas = torch.cat([Scale(2.0, "constant").augment(batch).images.double().mean((1, 2, 3)) for batch in batches])
    factors = (areas * 9 / 255).sqrt().log2().sort().values
    assert (factors - torch.linspace(-1, 1, 400)).abs().max() < 0.12
