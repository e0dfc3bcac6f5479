"""Batch norms side by side: one with K·C channels, exact for every member."""

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm as AnyBatchNorm

from ravine.regularize.batch_norm import NormalisedLinear, Unnormalised
from ravine.train.stacking.activations import Activations
from ravine.train.stacking.linear import StackedLinear
from ravine.train.stacking.place import Place


class StackedBatchNorm(nn.Module):
    """Batch norm of K members; the statistics go to the rows of the population."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.same()
        norms = [module for module in place.modules if isinstance(module, AnyBatchNorm)]
        if any(norm.momentum is None for norm in norms):
            raise place.refusal("a batch norm with the plain mean of all batches is not stacked")
        self.members, self.eps, self.momentum = place.members, norms[0].eps, norms[0].momentum or 0.0
        self.weight, self.bias = place.tensor("weight"), place.tensor("bias")
        self.mean, self.variance = place.tensor("running_mean"), place.tensor("running_var")
        counters = (norm.num_batches_tracked for norm in norms)
        self.counters = [counter for counter in counters if counter is not None]

    def forward(self, x: Activations) -> Activations:
        """Maps or features; the shape stays."""
        values = x.spread(self.members)
        channels = values if values.dim() == 4 else values.flatten(0, 1)[None]
        return Activations(self._normalised(channels).view(values.shape), self.members)

    def _normalised(self, x: Tensor) -> Tensor:
        mean, variance = (None if rows is None else _copied(rows) for rows in (self.mean, self.variance))
        weight, bias = (None if rows is None else rows.flatten() for rows in (self.weight, self.bias))
        by_batch = self.training or mean is None
        y = batch_norm(x, mean, variance, weight, bias, by_batch, self.momentum, self.eps)
        if self.training and mean is not None and variance is not None:
            self._note(mean, variance)
        return y

    @torch.no_grad()
    def _note(self, mean: Tensor, variance: Tensor) -> None:
        for rows, new in ((self.mean, mean), (self.variance, variance)):
            if rows is not None:
                rows.copy_(new.view(rows.shape))
        for counter in self.counters:
            counter.add_(1)


def _copied(rows: Tensor) -> Tensor:
    return rows.clone(memory_format=torch.contiguous_format).flatten()


class StackedNormalisedLinear(nn.Module):
    """Batch norm of Wx, plus b; see `ravine.regularize.batch_norm.NormalisedLinear`."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        if not isinstance(place.modules[0], NormalisedLinear):
            raise place.refusal("this is no linear layer with a batch norm")
        self.linear = StackedLinear(place)
        self.bias, self.linear.bias = self.linear.bias, None
        self.norm = StackedBatchNorm(place.child("norm"))

    def forward(self, x: Activations) -> Activations:
        """From [M, in, N] to [K, out, N]."""
        y = self.norm(self.linear(x))
        return y if self.bias is None else Activations(y.values + self.bias[:, :, None], y.members)


class StackedUnnormalised(nn.Module):
    """γ·x + β; see `ravine.regularize.batch_norm.Unnormalised`."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.same()
        if not isinstance(place.modules[0], Unnormalised) or any(True for _ in place.modules[0].children()):
            raise place.refusal("what a norm does beside the normalization is not stacked")
        self.members = place.members
        self.weight, self.bias = place.tensor("weight"), place.tensor("bias")

    def forward(self, x: Activations) -> Activations:
        """Maps or features; the shape stays."""
        if self.weight is None or self.bias is None:
            return x
        values = x.spread(self.members)
        shape = (-1, 1, 1) if values.dim() == 4 else (self.members, -1, 1)
        y = values * self.weight.reshape(shape) + self.bias.reshape(shape)
        return Activations(y, self.members)
