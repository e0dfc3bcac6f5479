"""A population in one pass: the layers of all members side by side."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.train.execution import Execution, Seen, rows
from ravine.train.stacking.activations import Activations
from ravine.train.stacking.lowering import stacked
from ravine.train.stacking.place import root
from ravine.train.stacking.targets import losses, side_by_side
from ravine.train.state import Population

FREED_BYTES = 31 << 20
"""Freeing a block of this size tells the C library of Linux to keep up to twice as much at hand (mallopt(3),
M_TRIM_THRESHOLD); else a step may give its memory back and fault it in anew, which took three times as long."""


class Stacked(Execution):
    """All members at once: K small operations become one, which costs little more where they are small.

    The parameters are leaves [K, *shape] that view theta. Members do not mix, so the gradient of the sum of their
    losses holds each member's own. Differences to the members alone are of rounding.

    Example:
        >>> from ravine.models.mlp import MLP
        >>> from ravine.train.state import PictureShape
        >>> population = Population(MLP(width=4, depth=1), PictureShape(1, 2, 3), seeds=[0, 1])
        >>> x, y = torch.zeros(5, 1, 2, 2), torch.zeros(5, dtype=torch.int64)
        >>> Stacked(population).losses([(x, y), (x, y)], steps=[0, 0]).shape
        torch.Size([2])
        >>> Stacked(population).logits(x).shape
        torch.Size([2, 5, 3])
    """

    def __init__(self, population: Population) -> None:
        """Put the layers side by side; nothing is copied.

        Raises:
            PlanError: A layer cannot be stacked, or the members differ in it; see `refuses`.
        """
        super().__init__(population)
        views = population.layout.split(population.theta)
        leaves = {name: view.detach().requires_grad_() for name, view in views.items()}
        self._network = stacked(root(population, leaves))
        self._leaves = list(leaves.values())
        self._gradients = list(population.layout.split(population.gradient).values())
        torch.empty(FREED_BYTES, dtype=torch.uint8)

    @property
    def at_once(self) -> int:
        """See `Execution.at_once`."""
        return self.population.members

    @staticmethod
    def refuses(population: Population) -> str | None:
        """Why the members cannot be stacked; None where they can."""
        try:
            Stacked(population)
        except PlanError as reason:
            return str(reason)
        return None

    def losses(self, seen: Seen, steps: Sequence[int], active: Tensor | None = None) -> Tensor:
        """See `Execution.losses`."""
        for member, step in zip(self.population.techniques, steps, strict=True):
            member.draws.step = step
        if active is None:
            return self._pass(seen)
        kept = [(buffer, buffer.clone()) for row in rows(self.population, ~active) for buffer in self._buffers(row)]
        found = self._pass(seen)
        for buffer, value in kept:
            buffer.copy_(value)
        self.population.gradient[~active] = 0
        return found.masked_fill(~active, math.nan)

    def _pass(self, seen: Seen) -> Tensor:
        pixels, targets = zip(*seen, strict=True)
        self._in_mode(training=True)
        found = losses(self._network(side_by_side(pixels)).values, targets)
        gradients = torch.autograd.grad(found.sum(), self._leaves)
        for slab, gradient in zip(self._gradients, gradients, strict=True):
            slab.copy_(gradient)
        return found.detach()

    def _in_mode(self, training: bool) -> None:
        if self._network.training != training:
            self._network.train(training)

    def _buffers(self, row: int) -> list[Tensor]:
        return list(self.population.networks[row].buffers())

    @torch.no_grad()
    def logits(self, pixels: Tensor, active: Tensor | None = None) -> Tensor:
        """See `Execution.logits`."""
        if self._answering != self.population.networks:
            return super().logits(pixels, active)
        self._in_mode(training=False)
        found = self._network(Activations(pixels, 1)).spread(self.population.members).transpose(1, 2)
        return found if active is None else found.masked_fill(~active[:, None, None], math.nan)
