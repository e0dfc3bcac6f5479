import numpy as np
import torch
from scipy import stats

from ravine.augment.noise import Noise, noise, normals


def test_noise_is_added_rounded_and_cut(make_samples):
    images, normal = make_samples().images, torch.randn(12, 9, 9, 3)
    expected = np.clip(np.round(images.numpy() + np.float32(255 * 0.3) * normal.numpy()), 0, 255)
    assert np.abs(noise(images, normal, 0.3).numpy() - expected).max() <= 1
    assert (noise(images, normal, 0.3).numpy() == expected).mean() > 0.99


def test_numbers_are_standard_normal_and_independent():
    numbers = normals(torch.rand(2, 50, generator=torch.Generator().manual_seed(1)), 400)
    assert stats.kstest(numbers.flatten().numpy(), "norm").pvalue > 0.01
    correlation = np.corrcoef(numbers.numpy())
    assert np.abs(correlation - np.eye(50)).max() < 0.25


def test_sigma_is_the_deviation_as_a_share_of_the_range(make_samples):
    grey = torch.full((40, 28, 28, 1), 128, dtype=torch.uint8)
    after = Noise(0.05).augment(make_samples(rows=range(40)).with_images(grey)).images.double()
    assert abs(after.std() / 255 - 0.05) < 0.001
    assert abs(after.mean() - 128) < 0.3


def test_both_numbers_of_a_picture_matter():
    seeds = torch.tensor([[0.1, 0.1, 0.2], [0.5, 0.6, 0.5]])
    assert len(normals(seeds, 5).unique(dim=0)) == 3
