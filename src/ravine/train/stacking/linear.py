"""Linear layers side by side: one batched matrix product."""

import torch
from torch import nn

from ravine.train.stacking.activations import Activations
from ravine.train.stacking.place import Place


class StackedLinear(nn.Module):
    """yₖ = Wₖ xₖ + bₖ with weights [K, out, in]; where the members see the same x it is not copied."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.same()
        weight = place.tensor("weight")
        if weight is None:
            raise place.refusal("there is no weight")
        self.members = place.members
        self.weight, self.bias = weight, place.tensor("bias")

    def forward(self, x: Activations) -> Activations:
        """From [M, in, N] to [K, out, N]."""
        values = x.spread(self.members)
        if self.bias is None:
            return Activations(torch.bmm(self.weight, values), self.members)
        return Activations(torch.baddbmm(self.bias[:, :, None], self.weight, values), self.members)
