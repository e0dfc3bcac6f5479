"""How the forward and backward passes of a population are carried out; the answer does not depend on it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ravine.train.precision import mean_loss
from ravine.train.state import Population

Seen = Sequence[tuple[Tensor, Tensor]]
"""For each member pixels [N, C, H, W] and targets, int64 [N] or float [N, classes]."""

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""From a network, pixels and targets to the mean loss of a batch."""


class Execution(ABC):
    """Carries out the passes of a population.

    Attributes:
        population: The members.
    """

    def __init__(self, population: Population) -> None:
        self.population = population
        self._answering = population.answering()

    @property
    def at_once(self) -> int:
        """How many members pass at the same time."""
        return 1

    @abstractmethod
    def losses(self, seen: Seen, steps: Sequence[int], active: Tensor | None = None) -> Tensor:
        """Fill the gradient slab of the population; batch norms note their statistics.

        Args:
            seen: What each member sees.
            steps: Steps that each member has taken; random numbers depend on them.
            active: Bool [K], false for members that have ended: their gradient is zero, their buffers stay as they are.
                None where none has.

        Returns:
            The mean cross-entropy of each member, [K], not a number for one that has ended.
        """

    @torch.no_grad()
    def logits(self, pixels: Tensor, active: Tensor | None = None) -> Tensor:
        """What members answer to the same pictures in evaluation mode; networks, gradients and buffers stay.

        Args:
            pixels: [N, C, H, W], as the networks read them.
            active: Bool [K], false for members that are not asked. None where all are.

        Returns:
            [K, N, classes], not a number for one that is not asked.
        """
        found = pixels.new_full((self.population.members, len(pixels), self.population.shape.classes), math.nan)
        for row in rows(self.population, active):
            network = self._answering[row]
            training = network.training
            found[row] = network.eval()(pixels)
            network.train(training)
        return found


class Looped(Execution):
    """One member after another.

    Example:
        >>> from ravine.models.mlp import MLP
        >>> from ravine.train.state import PictureShape
        >>> population = Population(MLP(width=4, depth=1), PictureShape(1, 2, 3), seeds=[0, 1])
        >>> x, y = torch.zeros(5, 1, 2, 2), torch.zeros(5, dtype=torch.int64)
        >>> Looped(population).losses([(x, y), (x, y)], steps=[0, 0]).shape
        torch.Size([2])
        >>> population.gradient.any(dim=1).tolist()
        [True, True]
    """

    def __init__(self, population: Population, loss: Loss = mean_loss) -> None:
        """Start.

        Args:
            population: The members.
            loss: Of one member on its batch.
        """
        super().__init__(population)
        self._loss = loss

    def losses(self, seen: Seen, steps: Sequence[int], active: Tensor | None = None) -> Tensor:
        """See `Execution.losses`."""
        population = self.population
        population.gradient.zero_()
        losses = population.theta.new_full((population.members,), math.nan)
        for row in rows(population, active):
            population.techniques[row].draws.step = steps[row]
            loss = self._loss(population.networks[row], *seen[row])
            loss.backward()
            losses[row] = loss.detach()
        return losses


def rows(population: Population, active: Tensor | None) -> Sequence[int]:
    """The members that have not ended."""
    return range(population.members) if active is None else torch.nonzero(active).flatten().tolist()
