"""Convolutions side by side: one with K groups, or a plain one with K·C channels where all see the same pictures."""

from torch import nn
from torch.nn.functional import conv2d

from ravine.train.stacking.activations import Activations
from ravine.train.stacking.place import Place


class StackedConvolution(nn.Module):
    """The convolutions of K members as one."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.same()
        first = place.modules[0]
        weight = place.tensor("weight")
        if not isinstance(first, nn.Conv2d) or weight is None or first.padding_mode != "zeros":
            raise place.refusal("only trained Conv2d layers that pad with zeros are stacked")
        self.members, self.groups = place.members, first.groups
        self.weight, self.bias = weight, place.tensor("bias")
        self.stride, self.padding, self.dilation = first.stride, first.padding, first.dilation

    def forward(self, x: Activations) -> Activations:
        """From maps [N, M·C, H, W] to [N, K·C', H', W']."""
        shared = x.members < self.members and self.groups == 1
        values, groups = (x.values, 1) if shared else (x.spread(self.members), self.members * self.groups)
        weight = self.weight.flatten(0, 1)
        bias = None if self.bias is None else self.bias.flatten()
        y = conv2d(values, weight, bias, self.stride, self.padding, self.dilation, groups)
        return Activations(y, self.members)
