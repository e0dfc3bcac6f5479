"""Stochastic depth: residual blocks whose branch is left out at random while training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ravine.base.draws import Draws, FreshDraws
from ravine.base.ranges import Fraction, one_value
from ravine.moments import Block, Technique

Mode = Literal["batch", "sample"]


@dataclass(frozen=True)
class StochasticDepth(Technique):
    """Stochastic depth.

        training    y = max(0, x + b·branch(x))      b ~ Bernoulli(sₗ)
        test        y = max(0, x + sₗ·branch(x))     sₗ = 1 − l/L·p for the l-th of L blocks, l = 1 … L

    `batch` draws one b for a block and batch: where it is 0 the branch is not computed at all, nor its gradient, and
    its batch norms keep their statistics. On average a share p·(L + 1)/(2L) of the branches is left out; on one core,
    six blocks and p = 0.5 took some 0.8 of the time. `sample` draws one b for each picture and computes everything.
    Weight decay and momentum go on acting on a branch that is left out.

    Helps residual networks of many blocks, and makes them faster to train. Suggested p: 0.5 for fifty blocks and more,
    0.1 to 0.2 for a dozen.

    Source: Huang, Sun, Liu, Sedra and Weinberger, "Deep Networks with Stochastic Depth", 2016, equations (2), (4) and
    (5). There p_L is the survival of the last block; here p is the probability to drop it, 1 − p_L. The first block can
    be dropped too; in timm it cannot: the probability rises from 0 at the first block to p at the last. timm and
    torchvision divide by the survival while training and do not scale at test.

    Attributes:
        p: Probability that the last block is dropped, in [0, 1].
        mode: What has a gate of its own.
    """

    p: Fraction = 0.5
    mode: Mode = "batch"

    def install(self, network: nn.Module, draws: Draws) -> int:
        """A gate for every residual block."""
        p = one_value("StochasticDepth.p", self.p)
        blocks = [(name, module) for name, module in network.named_modules() if isinstance(module, Block)]
        for layer, (name, block) in enumerate(blocks):
            gate = StochasticDepthLayer(1 - survival(layer + 1, len(blocks), p), self.mode, draws, layer)
            network.set_submodule(name, GatedBlock(block, gate).train(network.training))
        return len(blocks)


def survival(number: int, blocks: int, p: float) -> float:
    """The probability that a block is kept.

    Args:
        number: l, from 1 to `blocks`.
        blocks: L.
        p: Probability that the last block is dropped.

    Example:
        >>> [survival(number, 4, 0.5) for number in (1, 2, 3, 4)]
        [0.875, 0.75, 0.625, 0.5]
    """
    return 1 - number / blocks * p


class StochasticDepthLayer(nn.Module):
    """What a branch adds to its block: b times its output while training, survival times its output at test."""

    def __init__(self, p: float, mode: Mode, draws: Draws | None = None, layer: int = 0) -> None:
        super().__init__()
        self.p, self.layer = p, layer
        self.mode: Mode = mode
        self.draws: Draws = draws or FreshDraws()

    def forward(self, x: Tensor, branch: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Scale a branch.

        Args:
            x: What the branch gave; or what it takes, if it is given.
            branch: It is not called where one gate for the whole batch is closed.

        Returns:
            Of the shape of the branch's output, or a single 0 in place of a branch that was not called.
        """
        if self.training and self.mode == "batch" and not self._opens():
            return x.new_zeros(()) if branch else torch.zeros_like(x)
        y = branch(x) if branch else x
        if not self.training:
            return y * (1 - self.p)
        return y if self.mode == "batch" else y * self._opened(y)

    def _opens(self) -> bool:
        """Drawn on the CPU, where it decides what is computed."""
        return self.draws.uniform("stochastic_depth", self.layer, (1,), torch.empty(0)).item() >= self.p

    def _opened(self, y: Tensor) -> Tensor:
        shape = (y.shape[0], *[1] * (y.dim() - 1))
        return self.draws.uniform("stochastic_depth", self.layer, shape, y) >= self.p

    def extra_repr(self) -> str:
        """Its settings."""
        return f"p={self.p:g}, mode={self.mode!r}"


class GatedBlock(Block):
    """A residual block with a gate on its branch."""

    def __init__(self, block: Block, gate: StochasticDepthLayer) -> None:
        super().__init__(block.branch, block.shortcut)
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, C', H', W']."""
        return torch.relu(self.shortcut(x) + self.gate(x, self.branch))
