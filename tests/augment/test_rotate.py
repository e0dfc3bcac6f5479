import math

import numpy as np
import pytest
import torch
from PIL import Image

from ravine.augment.rotate import Rotate, rotate


def smooth(size=32):
    rows, columns = np.mgrid[:size, :size] / size
    shades = 127 + 120 * np.stack([np.sin(5 * rows + 2 * columns), np.cos(6 * columns), np.sin(3 * rows)], -1)
    return shades.astype(np.uint8)


@pytest.mark.parametrize("degrees", [-170, -30, 7, 45, 120])
def test_pictures_turn_as_pillow_turns_them(degrees):
    image = smooth()
    expected = np.asarray(Image.fromarray(image).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=(9, 9, 9)))
    angle = torch.tensor([math.radians(degrees)])
    found = rotate(torch.tensor(image)[None], angle, "constant", 9.0)[0].numpy()
    inside = np.hypot(*(np.mgrid[:32, :32] - 15.5)) < 15
    assert np.abs(found[inside].astype(int) - expected[inside]).max() <= 1


def test_quarter_turns_are_exact():
    images = torch.randint(0, 256, (4, 7, 7, 3), dtype=torch.uint8)
    turned = rotate(images, torch.arange(4) * torch.pi / 2)
    for quarters, (before, after) in enumerate(zip(images, turned, strict=True)):
        assert torch.equal(after, torch.rot90(before, quarters))


def angle_of_spot(images):
    """Degrees from the right, counter-clockwise, of the one bright spot of each picture."""
    weights = images[..., 0].double()
    rows, columns = torch.meshgrid(torch.arange(101) - 50.0, torch.arange(101) - 50.0, indexing="ij")
    return torch.rad2deg(torch.atan2(-(weights * rows).sum((1, 2)), (weights * columns).sum((1, 2))))


def test_angles_are_uniform_up_to_the_given_one(make_samples):
    spot, part = torch.zeros(40, 101, 101, 1, dtype=torch.uint8), Rotate(degrees=60.0, border="constant")
    spot[:, 48:53, 90:95] = 255
    batches = [make_samples(epoch=epoch, rows=range(40)).with_images(spot) for epoch in range(8)]
    angles = torch.cat([angle_of_spot(part.augment(batch).images) for batch in batches]).sort().values
    assert angles.abs().max() < 61
    assert (angles - torch.linspace(-60, 60, len(angles))).abs().max() < 9
