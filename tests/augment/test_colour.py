import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from ravine.augment.colour import Colour, colour

FACTOR = st.floats(0, 2, width=32)


def coloured(image, b, c, s):
    """The slow way, step by step, one picture."""
    luma = np.array([0.299, 0.587, 0.114]) if image.shape[-1] == 3 else np.ones(1)
    x = b * image.astype(float)
    mean = (x @ luma).mean()
    x = mean + c * (x - mean)
    grey = (x @ luma)[..., None]
    return np.clip(grey + s * (x - grey), 0, 255)


@given(st.sampled_from([1, 3]), FACTOR, FACTOR, FACTOR)
def test_one_affine_map_is_the_three_steps(channels, b, c, s):
    images = torch.randint(0, 256, (2, 5, 4, channels), dtype=torch.uint8)
    after = colour(images, *(torch.full((2,), factor) for factor in (b, c, s)))
    for before, one in zip(images.numpy(), after.numpy(), strict=True):
        assert np.abs(one - coloured(before, b, c, s)).max() <= 0.51


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.3])
@pytest.mark.parametrize(
    ("place", "enhance"), list(enumerate([ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]))
)
def test_each_step_is_pillow_s(place, enhance, factor, make_samples):
    images = make_samples().images
    factors = [torch.full((12,), factor if number == place else 1.0) for number in range(3)]
    for before, after in zip(images.numpy(), colour(images, *factors).numpy(), strict=True):
        expected = np.asarray(enhance(Image.fromarray(before)).enhance(factor))
        assert np.abs(after.astype(int) - expected).max() <= 2


def test_saturation_changes_nothing_in_grey_pictures(make_samples):
    one = make_samples(channels=1)
    three = one.with_images(one.images.expand(-1, -1, -1, 3))
    for grey in (one, three):
        assert torch.equal(Colour(0.0, 0.0, 1.0).augment(grey).images, grey.images)


def test_grey_is_changed_alike_in_one_channel_and_in_three(make_samples):
    one = make_samples(channels=1)
    three = one.with_images(one.images.expand(-1, -1, -1, 3))
    found, expected = (Colour(0.5, 0.5, 0.5).augment(samples).images.int() for samples in (three, one))
    assert (found - expected).abs().max() <= 1


def test_factors_are_uniform(make_samples):
    white = torch.full((40, 1, 1, 1), 100, dtype=torch.uint8)
    part = Colour(0.6, 0.0, 0.0)
    seen = [
        part.augment(make_samples(epoch=epoch, rows=range(40)).with_images(white)).images.flatten()
        for epoch in range(10)
    ]
    assert (torch.cat(seen).sort().values - torch.linspace(40, 160, 400)).abs().max() < 9
