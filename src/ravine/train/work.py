"""What one step of a network asks of a device: operations, arithmetic and bytes, counted and not timed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from ravine.device.estimate import Work

SMALL, LARGE = 2, 4
"""Sizes of the two batches that are counted; all counts are straight lines of the size."""


class _Counter(TorchDispatchMode):
    """Counts operations that compute something, their arithmetic, and the bytes of what they read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.operations, self.arithmetic, self.moved = 0, 0, 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """To keep its compiler away from this class, torch would import it, which takes seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None) -> Any:
        del types
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.operations += 1
            count = flop_registry.get(func.overloadpacket)
            self.arithmetic += count(*args, **(kwargs or {}), out_val=result) if count else 0
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
            self.moved += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return result


@dataclass(frozen=True)
class _Counts:
    operations: float
    arithmetic: float
    moved: float

    def at(self, other: "_Counts", size: int) -> Work:
        """What a batch of any size takes, on the straight line through these counts and those of the larger batch."""
        share = (size - SMALL) / (LARGE - SMALL)
        operations, arithmetic, moved = (
            first + share * (second - first)
            for first, second in (
                (self.operations, other.operations),
                (self.arithmetic, other.arithmetic),
                (self.moved, other.moved),
            )
        )
        return Work(operations, arithmetic, moved)


def work_of(network: nn.Module, shape: tuple[int, int, int], size: int, backward: bool = True) -> Work:
    """Count one step of a network on a batch.

    Args:
        network: From float pictures [N, C, S, S] to logits; its gradients and statistics are changed.
        shape: C, S, S of its pictures.
        size: Pictures in the batch.
        backward: Whether the backward pass is counted too; it is not for a frozen body.

    Example:
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
        >>> work_of(network, (3, 2, 2), size=10, backward=False).arithmetic
        1200.0
    """
    small, large = (_counted(network, (count, *shape), backward) for count in (SMALL, LARGE))
    return small.at(large, size)


def _counted(network: nn.Module, shape: tuple[int, ...], backward: bool) -> _Counts:
    like = next(network.parameters())
    pixels = torch.zeros(shape, dtype=like.dtype, device=like.device)
    targets = torch.zeros(shape[0], dtype=torch.int64, device=like.device)
    for parameter in network.parameters():  # a training adds to gradients that are there
        if parameter.requires_grad and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    with torch.set_grad_enabled(backward), _Counter() as counter:
        z = network(pixels)
        if backward:
            cross_entropy(z, targets).backward()
    return _Counts(counter.operations, counter.arithmetic, counter.moved)
