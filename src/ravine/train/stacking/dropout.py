"""Dropout side by side: each member with its own random numbers and its own probability."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ravine.base.draws import Draws
from ravine.regularize.dropout import DropoutLayer
from ravine.train.stacking.activations import Activations
from ravine.train.stacking.place import Place


class StackedDropout(nn.Module):
    """The dropout layers of K members as one product with a mask."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.same("layer")
        self.layers = [module for module in place.modules if isinstance(module, DropoutLayer)]
        self.scales = [1 / (1 - one.p) if one.mode == "inverted" and one.p < 1 else 1.0 for one in self.layers]
        self.rests = [1.0 if one.mode == "inverted" else 1 - one.p for one in self.layers]

    def forward(self, x: Activations) -> Activations:
        """Maps or features; the shape stays."""
        members = len(self.layers)
        values = x.spread(members)
        at_test = [layer.test_draws for layer in self.layers if layer.test_draws]
        if self.training:
            examples = values.shape[0 if values.dim() == 4 else 2]
            factors = self._factors(values, [layer.draws for layer in self.layers], examples)
        elif at_test:
            factors = self._factors(values, at_test, 1)
        elif all(rest == 1 for rest in self.rests):
            return x
        else:
            factors = self._columns(self.rests, values)
        return Activations(values * factors, members)

    def _factors(self, values: Tensor, draws: Sequence[Draws], examples: int) -> Tensor:
        """The mask over its scale, drawn in the shape that a member alone would ask for."""
        maps = values.dim() == 4
        shape = (values.shape[1] // len(draws), *values.shape[2:]) if maps else (values.shape[1],)
        own = [
            draw.uniform("dropout", layer.layer, (examples, *shape), values)
            for draw, layer in zip(draws, self.layers, strict=True)
        ]
        uniform = torch.cat(own, dim=1) if maps else torch.stack(own).transpose(1, 2)
        dropped = uniform < self._columns([layer.p for layer in self.layers], uniform)
        return torch.where(dropped, 0.0, self._columns(self.scales, values))

    def _columns(self, numbers: Sequence[float], like: Tensor) -> Tensor:
        """One number a member, in a shape that broadcasts."""
        columns = torch.tensor(numbers, dtype=like.dtype, device=like.device)
        if like.dim() == 3:
            return columns.view(-1, 1, 1)
        return columns.repeat_interleave(like.shape[1] // len(numbers)).view(1, -1, 1, 1)
