"""Noise: a normal random number is added to each pixel."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.augment.augmentation import Augmentation
from ravine.augment.pixels import WHITE, as_pixels
from ravine.base.ranges import Fraction
from ravine.moments import Samples


@dataclass(frozen=True)
class Noise(Augmentation):
    """Gaussian noise.

        y = x + 255·σ·z        z ~ N(0, 1), one a pixel, channel and epoch; rounded and cut to 0 … 255

    Under squared error, noise on the input of a linear model is on average an L2 penalty on its weights.

    Helps where cameras are noisy, and makes networks less sensitive to small disturbances; otherwise it gains little.
    Destroys labels that rest on fine texture or faint contrast, and the very black background of scans.

    Suggested sigma: 0.02 to 0.1.

    Source: Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995.

    Attributes:
        sigma: σ, a share of the range from black to white, in [0, 1].
    """

    sigma: Fraction = 0.05

    def augment(self, samples: Samples) -> Samples:
        """Every picture with noise of its own."""
        sigma = self.strength("sigma")
        if not sigma:
            return samples
        normal = normals(self.uniform(samples, 2), samples.images[0].numel()).to(samples.images.device)
        return samples.with_images(noise(samples.images, normal.view(samples.images.shape), sigma))


def noise(images: Tensor, normal: Tensor, sigma: float) -> Tensor:
    """Add noise.

    Args:
        images: [N, H, W, C].
        normal: Standard normal numbers of the same shape, float32.
        sigma: σ, a share of the range from black to white.

    Example:
        >>> noise(torch.tensor([100, 250], dtype=torch.uint8), torch.tensor([-1.0, 1.0]), 0.1)
        tensor([ 74, 255], dtype=torch.uint8)
    """
    return as_pixels(torch.add(images, normal, alpha=WHITE * sigma), images.dtype)


def normals(uniform: Tensor, count: int) -> Tensor:
    """Standard normal numbers, for each picture from a generator of its own.

    Args:
        uniform: In [0, 1), float32 [2, N]; 16 bits of each make the seed of a generator.
        count: Numbers a picture.

    Returns:
        float32 [N, count], on the CPU.
    """
    high, low = (uniform.cpu().double() * (1 << 16)).long()
    generator, result = torch.Generator(), torch.empty(len(high), count)
    for row, seed in zip(result, ((high << 16) + low).tolist(), strict=True):
        row.normal_(generator=generator.manual_seed(seed))
    return result
