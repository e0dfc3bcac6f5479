import dataclasses

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.augment.cutmix import CutMix, box, cutmix


def slow_box(share, row, column, height, width):
    """One picture, by the published code's corners."""
    tall, wide = round(height * np.sqrt(1 - share)), round(width * np.sqrt(1 - share))
    top, left = int(row * height) - tall // 2, int(column * width) - wide // 2
    inside = np.zeros((height, width), bool)
    inside[max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + wide, 0)] = True
    return inside


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))
def test_boxes_have_the_published_corners(height, width, seed):
    numbers = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed))
    found = box(*numbers, height, width).numpy()
    for one, (share, row, column) in zip(found, numbers.T.numpy(), strict=True):
        assert np.array_equal(one, slow_box(share, row, column, height, width))


@given(st.integers(1, 6), st.sampled_from([1, 3]), st.integers(0, 1000))
def test_pixels_are_taken_from_the_partner_and_targets_by_area(count, channels, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 5, 4, channels), dtype=np.uint8)
    targets, inside = rng.dirichlet(np.ones(3), count), rng.random((count, 5, 4)) < 0.4
    partner = rng.permutation(count)
    found, mixed = cutmix(*(torch.tensor(array) for array in (images, targets.astype(np.float32), inside, partner)))
    for i, j in enumerate(partner):
        assert np.array_equal(found[i].numpy(), np.where(inside[i][..., None], images[j], images[i]))
        area = inside[i].mean()
        np.testing.assert_allclose(mixed[i].numpy(), (1 - area) * targets[i] + area * targets[j], atol=1e-6)


def marked(make_samples, part, epoch=0):
    """Pictures that consist of their own number, and targets of one class a picture."""
    batch = make_samples(epoch=epoch, rows=range(40), size=(12, 10))
    images = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(-1, 12, 10, 1).contiguous()
    return part.mix(dataclasses.replace(batch, images=images, targets=torch.eye(40)))


def test_targets_are_the_areas_that_are_seen(make_samples):
    after = marked(make_samples, CutMix(1.0, p=1.0))
    for images, targets in zip(after.images.flatten(1), after.targets, strict=True):
        torch.testing.assert_close(targets, torch.bincount(images.long(), minlength=40) / images.numel())
    areas = (after.images != torch.arange(40)[:, None, None, None]).float().mean((1, 2, 3))
    torch.testing.assert_close(after.targets.diagonal().mean(), 1 - areas.mean())
    assert 0.1 < areas.mean() < 0.6


def test_a_share_of_p_is_mixed(make_samples):
    changed = [
        (marked(make_samples, CutMix(p=0.3), epoch).targets.diagonal() < 1).float().mean() for epoch in range(30)
    ]
    assert 0.22 < torch.stack(changed).mean() < 0.34
