"""Candidates: rows of weights with the buffers that belong to them, and networks made of them."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ravine.base.layout import Layout
from ravine.ensemble.recipe import Mixture


@dataclass(frozen=True, eq=False)
class Candidates:
    """M sets of weights from one training, of members, of moments, or averages.

    Attributes:
        theta: [M, P].
        buffers: Floating-point buffers [M, B], such as the statistics of batch norm.

    Example:
        >>> candidates = Candidates(torch.tensor([[1.0], [3.0], [9.0]]), torch.zeros(3, 0))
        >>> candidates.mixed((0.5, 0.5, 0.0))[0]
        tensor([2.])
    """

    theta: Tensor
    buffers: Tensor

    def __len__(self) -> int:
        return len(self.theta)

    @classmethod
    def joined(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """The candidates of several members, one after another."""
        return cls(torch.cat([part.theta for part in parts]), torch.cat([part.buffers for part in parts]))

    def mixed(self, shares: Mixture) -> tuple[Tensor, Tensor]:
        """Weights [P] and buffers [B] of a mixture; one candidate alone is copied bit for bit."""
        return _mixed(self.theta, shares), _mixed(self.buffers, shares)


def _mixed(rows: Tensor, shares: Mixture) -> Tensor:
    used = [place for place, share in enumerate(shares) if share]
    if len(used) == 1:
        return rows[used[0]].clone()
    weights = torch.tensor([shares[place] for place in used], dtype=torch.float64, device=rows.device)
    return (weights @ rows[used].double()).to(rows.dtype)


def with_weights(network: nn.Module, layout: Layout, theta: Tensor, buffers: Tensor) -> nn.Module:
    """A copy of a network with other weights, in evaluation mode; whole-number buffers are copied as they are.

    Args:
        network: Whose parameters that require gradients have the names of the layout; it stays as it is.
        layout: Where each parameter lies in a row.
        theta: Weights [P].
        buffers: Its floating-point buffers [B], in the order in which the network names them.
    """
    parameters = dict(network.named_parameters())
    memo: dict[int, Any] = {
        id(parameters[name]): nn.Parameter(value[0].clone(), requires_grad=False)
        for name, value in layout.split(theta[None]).items()
    }
    offset = 0
    for buffer in network.buffers():
        if buffer.is_floating_point():
            memo[id(buffer)] = buffers[offset : offset + buffer.numel()].view(buffer.shape).clone()
            offset += buffer.numel()
    return deepcopy(network, memo).eval()
