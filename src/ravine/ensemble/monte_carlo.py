"""Monte-Carlo dropout: several masks at test, whose probabilities are averaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from ravine.base.draws import FixedDraws
from ravine.base.errors import PlanError
from ravine.base.ranges import Range
from ravine.ensemble.committee import Committee
from ravine.ensemble.ensemble import Ensemble


@dataclass(frozen=True)
class MonteCarlo(Ensemble):
    """Monte-Carlo dropout.

        p(y | x) = (1/T)·Σₜ softmax(f(x; mₜ))_y        with masks m₁ … m_T as in training

    The masks are drawn once, from (pass, layer), and are the same for all pictures: predictions repeat exactly, do not
    depend on the other pictures of a batch, and can be exported. Masks act where a layer has an attribute `test_draws`
    that is None: such a layer draws from what is put there, also at test.

    Helps to see where a network with dropout is unsure: its passes disagree. Its mean probabilities are close to those
    of the deterministic test pass, though softer, and answering takes T times as long. Suggested: 20 passes for the
    mean, more for the disagreement.

    Source: Gal and Ghahramani, "Dropout as a Bayesian Approximation", 2016, section 4. There each picture has masks of
    its own; a mean over few passes then differs from picture to picture by chance alone.

    Attributes:
        passes: T, at least 2.
        seed: Of the masks.
    """

    passes: Annotated[int, Range(2)] = 20
    seed: Annotated[int, Range(0)] = 0

    def finish(self, network: nn.Module) -> nn.Module:
        """The network, in several passes.

        Raises:
            PlanError: Nothing in it draws.
        """
        if not drawing(network):
            raise PlanError(
                "ensemble=monte_carlo finds no dropout in this network, so that all passes would be the same. Set "
                "dropout=0.5, or leave ensemble out."
            )
        return MeanOverPasses(network, self.passes, self.seed)


def drawing(network: nn.Module) -> list[Any]:
    """The modules that draw at test if they are given something to draw from, and have nothing yet."""
    return [module for module in network.modules() if getattr(module, "test_draws", ...) is None]


class MeanOverPasses(Committee):
    """The mean of a network's probabilities over passes with fixed masks.

    Attributes:
        network: From pictures to logits; by itself it answers as before.
        seed: Of the masks.
    """

    def __init__(self, network: nn.Module, passes: int, seed: int = 0) -> None:
        super().__init__([1 / passes] * passes)
        self.network = network
        self.passes = passes
        self.seed = seed

    def members(self, x: Tensor) -> Tensor:
        """See `Committee.members`."""
        with self._drawing() as draws:
            said = []
            for draws.number in range(self.passes):
                said.append(log_softmax(self.network(x), dim=1))
        return torch.stack(said)

    @contextmanager
    def _drawing(self) -> Iterator[FixedDraws]:
        """Let the modules draw for a while."""
        draws, modules = FixedDraws(self.seed), drawing(self.network)
        for module in modules:
            module.test_draws = draws
        try:
            yield draws
        finally:
            for module in modules:
                module.test_draws = None
