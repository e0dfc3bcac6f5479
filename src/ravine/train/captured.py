"""A population one member after another, each pass eager or as one captured graph."""

import math
from collections.abc import Sequence

from torch import Tensor

from ravine.train.execution import Execution, Seen, rows
from ravine.train.graph import Graph, Wish, draws_inside
from ravine.train.precision import Precision
from ravine.train.state import Population


class Captured(Execution):
    """One member after another, as `Looped`; eager it gives the same bits.

    Attributes:
        population: The members.
        graph: What decides; its `choice` belongs into the plan of the run, its `reason` into the report.

    Example:
        >>> import torch
        >>> from ravine.models.mlp import MLP
        >>> from ravine.train.state import PictureShape
        >>> population = Population(MLP(width=4, depth=1), PictureShape(1, 2, 3), seeds=[0, 1])
        >>> execution = Captured(population, passes=200)
        >>> x, y = torch.zeros(5, 1, 2, 2), torch.zeros(5, dtype=torch.int64)
        >>> execution.losses([(x, y), (x, y)], steps=[0, 0]).shape, execution.graph.choice
        (torch.Size([2]), 'eager')
    """

    def __init__(
        self,
        population: Population,
        passes: int,
        wish: Wish = "auto",
        precision: Precision = "full",
        graph: Graph | None = None,
    ) -> None:
        """Nothing is decided before the first pass.

        Args:
            population: The members.
            passes: Forward and backward passes of all members until the end of training.
            wish: What the plan says.
            precision: Of the networks; see `check_precision`.
            graph: What decides, instead of one made from wish and precision.
        """
        super().__init__(population)
        self.graph = graph or Graph(wish, _blocked(population), precision)
        self._passes = passes

    def losses(self, seen: Seen, steps: Sequence[int], active: Tensor | None = None) -> Tensor:
        """See `Execution.losses`."""
        population = self.population
        population.gradient.zero_()
        losses = population.theta.new_full((population.members,), math.nan)
        for row in rows(population, active):
            population.techniques[row].draws.step = steps[row]
            loss = self.graph.loss(population.networks[row], *seen[row], lambda: self._passes)
            loss.backward()
            losses[row] = loss.detach()
        return losses


def _blocked(population: Population) -> str | None:
    members = zip(population.techniques, population.networks, strict=True)
    reasons = (draws_inside(member.parts, network) for member, network in members)
    return next((reason for reason in reasons if reason), None)
