"""Mixup: weighted means of two pictures and of their targets."""

from dataclasses import dataclass, replace

from torch import Tensor

from ravine.augment.mixing import Mixing, beta, partners
from ravine.base.ranges import NonNegative
from ravine.moments import Samples


@dataclass(frozen=True)
class Mixup(Mixing):
    """Mixup.

        x ← λ·xᵢ + (1 − λ)·xⱼ
        t ← λ·tᵢ + (1 − λ)·tⱼ        λ ~ Beta(α, α), one a picture and epoch

    The network learns to be linear between examples, and less sure of itself: calibrate it afterwards. λ and the key by
    which partners are found are each picture's own; the partner j also depends on which other pictures are in the
    batch, though not on their order (see `partners`). Pictures become float32.

    Helps larger networks in long training, and against wrong labels. Destroys nothing, but underfits small networks,
    short training and few pictures; means of pictures are no pictures, which harms labels that lie in fine detail.

    Suggested alpha: 0.2 (0.1 to 0.4 for photos), 1 for small pictures in long training.

    Source: Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018, section 2. There
    one λ is drawn a batch; here it is one a picture, of the same distribution.

    Attributes:
        alpha: α, ≥ 0; 0 mixes nothing.
    """

    alpha: NonNegative = 0.2

    def mix(self, samples: Samples) -> Samples:
        """Every picture and its target mixed with its partner's."""
        uniform = self.uniform(samples, 3)
        share = beta(uniform[0], self.strength("alpha"))
        images, targets = mixup(samples.images, samples.targets, share, partners(uniform[1:]))
        return replace(samples, images=images, targets=targets)


def mixup(images: Tensor, targets: Tensor, share: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Mix pictures and targets.

    Args:
        images: [N, H, W, C].
        targets: Float32 [N, classes].
        share: λ, the part of the picture itself, in [0, 1], float32 [N].
        partner: Places in the batch, int64 [N].

    Returns:
        Pictures and targets, float32.
    """
    pixels = images.float()
    mixed = pixels[partner].lerp_(pixels, share[:, None, None, None])
    return mixed, targets[partner].lerp_(targets, share[:, None])
