"""What the members see, side by side, and the losses of all at once."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from ravine.train.stacking.activations import Activations


def side_by_side(pixels: Sequence[Tensor]) -> Activations:
    """The pixels [N, C, H, W] of K members as maps; the same tensor for all of them is not copied."""
    if _same(pixels):
        return Activations(pixels[0], 1)
    return Activations(torch.cat(list(pixels), dim=1), len(pixels))


def losses(logits: Tensor, targets: Sequence[Tensor]) -> Tensor:
    """The mean cross-entropy of each member, [K].

    Args:
        logits: [K, C, N].
        targets: One a member, int64 [N] or float [N, C].

    Example:
        >>> y = torch.tensor([0, 1, 2, 0])
        >>> losses(torch.zeros(2, 3, 4), [y, y])
        tensor([1.0986, 1.0986])
    """
    return cross_entropy(logits, _joined(logits, targets), reduction="none").mean(1)


def _joined(logits: Tensor, targets: Sequence[Tensor]) -> Tensor:
    """Targets int64 [K, N], or float [K, C, N] where those of any member are."""
    if all(one.ndim == 1 for one in targets):
        return targets[0].expand(len(targets), -1) if _same(targets) else torch.stack(list(targets))
    soft = [one_hot(one, logits.shape[1]) if one.ndim == 1 else one for one in targets]
    return torch.stack([one.to(logits.dtype) for one in soft]).transpose(1, 2)


def _same(tensors: Sequence[Tensor]) -> bool:
    return len(set(map(id, tensors))) == 1
