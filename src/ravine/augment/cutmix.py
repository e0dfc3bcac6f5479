"""Cutmix: a rectangle of each picture is taken from another one, and its target in proportion to the area."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ravine.augment.mixing import Mixing, beta, partners
from ravine.base.ranges import Fraction, NonNegative
from ravine.moments import Samples


@dataclass(frozen=True)
class CutMix(Mixing):
    """Cutmix.

        x ← xⱼ inside a rectangle of √(1 − λ)·H by √(1 − λ)·W pixels about a random pixel, xᵢ outside
        t ← λ'·tᵢ + (1 − λ')·tⱼ        λ ~ Beta(α, α), λ' = 1 − (pixels inside) / (H·W)

    The part of the rectangle beyond the border is lost; λ' is corrected for that and for rounding. λ, the centre and
    the key by which partners are found are each picture's own; the partner j also depends on which other pictures are
    in the batch, though not on their order (see `partners`).

    Helps larger networks in long training, as cutout does, without wasting the pixels. Destroys the label where the
    thing is small: its target says that half of it is there when all of it, or nothing, is.

    Suggested: alpha 1, p 0.5 for small pictures and 1 for large data sets.

    Source: Yun, Han, Oh, Chun, Choe and Yoo, "CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features", 2019, section 3.1, and the correction in its code. There one rectangle is drawn a batch.

    Attributes:
        alpha: α, ≥ 0; 0 mixes nothing.
        p: Probability that a picture is changed, in [0, 1].
    """

    alpha: NonNegative = 1.0
    p: Fraction = 0.5

    def mix(self, samples: Samples) -> Samples:
        """Some pictures and their targets mixed with their partners'."""
        uniform = self.uniform(samples, 6)
        own, coin, row, column = uniform[:4]
        share = torch.where(coin < self.strength("p"), beta(own, self.strength("alpha")), 1.0)
        inside = box(share, row, column, samples.images.shape[1], samples.images.shape[2])
        images, targets = cutmix(samples.images, samples.targets, inside, partners(uniform[4:]))
        return replace(samples, images=images, targets=targets)


def box(share: Tensor, row: Tensor, column: Tensor, height: int, width: int) -> Tensor:
    """Rectangles, each of the area 1 − λ as long as it lies inside.

    Args:
        share: λ, in [0, 1], float32 [N].
        row: Of the centre, in [0, 1), float32 [N].
        column: Of the centre, in [0, 1), float32 [N].
        height: Of the pictures.
        width: Of the pictures.

    Returns:
        Whether a pixel is inside, bool [N, H, W].
    """
    side = (1 - share).sqrt()
    return _span(side, row, height)[:, :, None] & _span(side, column, width)[:, None, :]


def _span(side: Tensor, centre: Tensor, pixels: int) -> Tensor:
    length = (side * pixels).round().long()
    first = ((centre * pixels).long() - length // 2)[:, None]
    place = torch.arange(pixels, device=side.device)
    return (place >= first) & (place < first + length[:, None])


def cutmix(images: Tensor, targets: Tensor, inside: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Mix pictures by pixels, and targets by the number of pixels.

    Args:
        images: [N, H, W, C].
        targets: Float32 [N, classes].
        inside: Which pixels are the partner's, bool [N, H, W].
        partner: Places in the batch, int64 [N].

    Returns:
        Pictures, of the dtype given, and targets.
    """
    taken = inside.float().mean((1, 2))[:, None]
    return torch.where(inside[..., None], images[partner], images), targets.lerp(targets[partner], taken)
