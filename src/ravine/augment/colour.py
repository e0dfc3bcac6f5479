"""Colour: brightness, contrast and saturation changed at random."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.augment.augmentation import Augmentation
from ravine.augment.pixels import as_pixels
from ravine.base.ranges import Fraction
from ravine.moments import Samples

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey, ITU-R BT.601."""


@dataclass(frozen=True)
class Colour(Augmentation):
    """Colour.

        x₁ = b·x                                    brightness b ~ uniform on [1 − B, 1 + B]
        x₂ = μ + c·(x₁ − μ)                         contrast c ~ uniform on [1 − C, 1 + C]; μ: mean grey of x₁
        y  = g + s·(x₂ − g)                         saturation s ~ uniform on [1 − S, 1 + S]; g: grey of x₂

    One b, c and s a picture and epoch. Grey is 0.299 red + 0.587 green + 0.114 blue; saturation changes nothing in grey
    pictures. Only y is rounded and cut to 0 … 255.

    Helps where light and cameras differ between training and use. Destroys labels that are colours or shades: ripeness,
    skin lesions, stained tissue, materials.

    Suggested: 0.1 to 0.4 each.

    Source: Howard, "Some Improvements on Deep Convolutional Neural Network Based Image Classification", 2013; the
    three formulas as in torchvision's `ColorJitter`, which takes them in random order, rounds and cuts after
    each, and can turn hues too.

    Attributes:
        brightness: B, in [0, 1].
        contrast: C, in [0, 1].
        saturation: S, in [0, 1].
    """

    brightness: Fraction = 0.2
    contrast: Fraction = 0.2
    saturation: Fraction = 0.2

    def augment(self, samples: Samples) -> Samples:
        """Every picture with other light."""
        names = ("brightness", "contrast", "saturation")
        most = torch.tensor([self.strength(name) for name in names], device=samples.images.device)
        factors = 1 + (2 * self.uniform(samples, 3) - 1) * most[:, None]
        return samples.with_images(colour(samples.images, *factors))


def colour(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Change brightness, contrast and saturation; the three steps as one affine map of each pixel.

    Args:
        images: [N, H, W, C], with C = 1 or 3.
        brightness: b, float32 [N].
        contrast: c, float32 [N].
        saturation: s, float32 [N].

    Example:
        >>> one = torch.ones(1)
        >>> colour(torch.tensor([[[[100], [50]]]], dtype=torch.uint8), 2 * one, 0.5 * one, one).flatten()
        tensor([175, 125], dtype=torch.uint8)
    """
    b, c, s = (factor[:, None, None, None] for factor in (brightness, contrast, saturation))
    x = images.float()
    grey = x if x.shape[-1] == 1 else (x @ x.new_tensor(LUMA))[..., None]
    level = (1 - c) * b * grey.mean((1, 2, 3), keepdim=True)
    if x.shape[-1] == 1:
        return as_pixels(torch.addcmul(level, b * c, x), images.dtype)
    return as_pixels(torch.addcmul(level + (1 - s) * b * c * grey, s * b * c, x), images.dtype)
