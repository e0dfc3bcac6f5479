"""Dropout: units that are left out at random while training."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from ravine.base.draws import Draws, FreshDraws
from ravine.base.ranges import Fraction, one_value
from ravine.moments import Site, Technique

Mode = Literal["plain", "inverted"]


@dataclass(frozen=True)
class Dropout(Technique):
    """Dropout.

        m ~ Bernoulli(1 − p), one a unit and example
        plain       training  y = m ⊙ x               test  y = (1 − p)·x
        inverted    training  y = m ⊙ x / (1 − p)     test  y = x

    With a linear layer behind it, the test pass is the exact average over all 2ⁿ masked networks; through deeper
    nonlinearities it approximates one. In both modes an activation at test is what is expected of it while training;
    they differ in its size, hence in the effective learning rate of what follows.

    Helps a network with wide fully connected layers that fits its training pictures much better than others. Suggested
    p: 0.5 before the head, 0.1 to 0.3 after blocks; less, or none, beside batch norm. Train longer with it.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: A Simple Way to Prevent Neural
    Networks from Overfitting", 2014, section 4 (plain) and section 10 (inverted). There p is the probability to keep a
    unit; here, as in PyTorch and Keras, it is the probability to drop one. PyTorch and Keras have the inverted mode
    alone. The mask is of single units also in feature maps, not of whole channels as in PyTorch's `Dropout2d`.

    Attributes:
        p: Probability that a unit is dropped, in [0, 1].
        mode: When activations are scaled.
        where: Before the head, after each block, or both.
    """

    p: Fraction = 0.5
    mode: Mode = "inverted"
    where: Literal["before_head", "after_block", "both"] = "before_head"

    def install(self, network: nn.Module, draws: Draws) -> int:
        """Dropout at the sites that `where` names."""
        wanted = ("before_head", "after_block") if self.where == "both" else (self.where,)
        found = [name for name, site in network.named_modules() if isinstance(site, Site) and site.name in wanted]
        for layer, name in enumerate(found):
            p = one_value("Dropout.p", self.p)
            network.set_submodule(name, DropoutLayer(p, self.mode, draws, layer).train(network.training))
        return len(found)


def dropout(x: Tensor, uniform: Tensor, p: float, mode: Mode) -> Tensor:
    """The training pass.

    Args:
        x: Activations, [N, …].
        uniform: Numbers in [0, 1), of the shape of x, or [1, …] for one mask in common.
        p: Probability to drop, in [0, 1].
        mode: When activations are scaled.
    """
    kept = x * (uniform >= p)
    return kept / (1 - p) if mode == "inverted" and p < 1 else kept


class DropoutLayer(nn.Module):
    """Dropout as a module.

    Attributes:
        test_draws: None for the deterministic test pass. Otherwise evaluation is random too (Monte-Carlo dropout), with
            one mask from these draws for all pictures of a batch, and scaled as in training.
    """

    def __init__(self, p: float, mode: Mode, draws: Draws | None = None, layer: int = 0) -> None:
        super().__init__()
        self.p, self.layer = p, layer
        self.mode: Mode = mode
        self.draws: Draws = draws or FreshDraws()
        self.test_draws: Draws | None = None

    def forward(self, x: Tensor) -> Tensor:
        """From [N, …] to the same shape."""
        if self.training:
            return self._masked(x, self.draws, tuple(x.shape))
        if self.test_draws:
            return self._masked(x, self.test_draws, (1, *x.shape[1:]))
        return x if self.mode == "inverted" else x * (1 - self.p)

    def _masked(self, x: Tensor, draws: Draws, shape: tuple[int, ...]) -> Tensor:
        return dropout(x, draws.uniform("dropout", self.layer, shape, x), self.p, self.mode)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"p={self.p}, mode={self.mode!r}"
