"""What mixup and cutmix share: partners within a batch, and shares from a beta distribution."""

from abc import ABC, abstractmethod

import torch
from scipy.special import betaincinv
from torch import Tensor

from ravine.augment.augmentation import Augmentation
from ravine.moments import Samples

BITS = 24
"""Random bits in a float32 from `SampleDraws`."""


class Mixing(Augmentation, ABC):
    """An augmentation that mixes pictures and targets of a batch with one another."""

    def augment(self, samples: Samples) -> Samples:
        """Nothing: a picture by itself stays as it is."""
        return samples

    @abstractmethod
    def mix(self, samples: Samples) -> Samples:
        """Change pictures and targets of one batch; the tensors given stay as they are."""


def partners(uniform: Tensor) -> Tensor:
    """Give every picture of a batch another one.

    The pictures stand in a circle, sorted by their own random keys, and each one's partner is the next. So each is
    partner once, and who is whose depends on which pictures the batch holds, but not on their order in it.

    Args:
        uniform: In [0, 1), float32 [2, N]; both together are the key.

    Returns:
        Places in the batch, int64 [N].

    Example:
        >>> partners(torch.tensor([[0.2, 0.9, 0.5], [0.0, 0.0, 0.0]]))
        tensor([2, 0, 1])
    """
    first, second = uniform.double()
    circle = torch.argsort(first + second / (1 << BITS), stable=True)
    return torch.empty_like(circle).scatter_(0, circle, circle.roll(-1))


def beta(uniform: Tensor, alpha: float) -> Tensor:
    """Numbers λ ~ Beta(α, α), by the inverse of the distribution function.

    Args:
        uniform: In [0, 1), float32 [N].
        alpha: α, ≥ 0; at 0, λ is 1 throughout.

    Returns:
        float32 [N], on the same device.

    Example:
        >>> beta(torch.tensor([0.25, 0.5]), 1.0)
        tensor([0.2500, 0.5000])
    """
    if alpha == 0:
        return torch.ones_like(uniform)
    return torch.from_numpy(betaincinv(alpha, alpha, uniform.double().cpu().numpy())).to(uniform)
