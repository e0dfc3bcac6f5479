"""A population in several threads, each with members of its own and one thread of operations."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from itertools import pairwise

import torch
from torch import Tensor

from ravine.train.execution import Execution, Seen
from ravine.train.state import Population


class Spread(Execution):
    """Parts of a population side by side in threads.

    An operation of a convolution network is large enough to occupy a core, yet too small to be shared well between
    cores; members share nothing, so a core each takes no waiting. Threads are enough: torch does not hold Python's
    lock while it computes. What a member gets does not depend on which thread it met, nor when.

    Example:
        >>> from ravine.models.mlp import MLP
        >>> from ravine.train.execution import Looped
        >>> from ravine.train.state import PictureShape
        >>> population = Population(MLP(width=4, depth=1), PictureShape(1, 2, 3), seeds=[0, 1, 2])
        >>> x, y = torch.zeros(5, 1, 2, 2), torch.zeros(5, dtype=torch.int64)
        >>> Spread(population, Looped, parts=3, threads=2).losses([(x, y)] * 3, steps=[0] * 3).shape
        torch.Size([3])
    """

    def __init__(
        self, population: Population, kind: Callable[[Population], Execution], parts: int, threads: int
    ) -> None:
        """Start nothing yet.

        Args:
            population: The members, on a CPU.
            kind: How a part is carried out.
            parts: Into how many the members are cut, at most K.
            threads: How many parts run at a time.
        """
        super().__init__(population)
        cuts = [population.members * number // parts for number in range(parts + 1)]
        self._rows = [slice(*pair) for pair in pairwise(cuts)]
        self._parts = [kind(_part(population, rows)) for rows in self._rows]
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "ravine-members", _with_one_thread)

    @property
    def at_once(self) -> int:
        """See `Execution.at_once`."""
        return sum(sorted(part.at_once for part in self._parts)[-self._threads :])

    def losses(self, seen: Seen, steps: Sequence[int], active: Tensor | None = None) -> Tensor:
        """See `Execution.losses`."""
        running = [
            self._pool.submit(part.losses, seen[rows], steps[rows], None if active is None else active[rows])
            for part, rows in zip(self._parts, self._rows, strict=True)
        ]
        return torch.cat([one.result() for one in running])

    def logits(self, pixels: Tensor, active: Tensor | None = None) -> Tensor:
        """See `Execution.logits`."""
        running = [
            self._pool.submit(part.logits, pixels, None if active is None else active[rows])
            for part, rows in zip(self._parts, self._rows, strict=True)
        ]
        return torch.cat([one.result() for one in running])


def _with_one_thread() -> None:
    torch.set_num_threads(1)


def _part(population: Population, rows: slice) -> Population:
    """Some members, which view the same matrices."""
    part = copy(population)
    part.networks, part.techniques = population.networks[rows], population.techniques[rows]
    part.theta, part.gradient = population.theta[rows], population.gradient[rows]
    part.buffers = population.buffers[rows]
    return part
