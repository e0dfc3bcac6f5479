"""Fractional max-pooling: pooling by factors between 1 and 2, over regions that are drawn anew."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, max_pool2d

from ravine.base.draws import Draws, FixedDraws, FreshDraws
from ravine.base.ranges import Count
from ravine.moments import Technique
from ravine.regularize.fractional_regions import Kind, Mode, numbers_needed, regions

Axis = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class FractionalPool(Technique):
    """Fractional max-pooling in place of every pooling by 2.

        y[i, j] = max x[a, b] over Rᵢ ≤ a < Rᵢ′, Cⱼ ≤ b < Cⱼ′

    The regions (`fractional_regions.py`) are drawn for every picture and layer, the same for all channels. Graham lets
    pooling by √2 replace pooling by 2, twice as often. A network that is trained with this technique keeps its
    parameters and sizes, so that a pooling by 2 becomes two by about √2, from n over √(n·⌊n/2⌋) to ⌊n/2⌋, without a
    convolution between them. `ravine.drop_in.FractionalMaxPool2d` has any factor, for networks of your own.

        average    log of the mean softmax over `passes` passes of the whole network, with regions that are fixed
        plain      the 2×2 regions that were replaced; as fast as before, but on regions that training never saw

    Helps small pictures, and where shifts and slight distortions do not change the class. Overlapping regions did
    better than disjoint ones in the paper; random ones distort more than pseudorandom ones, and can be too much beside
    augmentation or dropout. Most of the gain of averaging comes with the first 5 to 10 passes. On one core, a step of
    the small CNN takes 1.8 times as long.

    Source: Graham, "Fractional Max-Pooling", 2014. PyTorch draws a region set for every channel.

    Attributes:
        mode: How the regions are drawn.
        kind: Whether the regions overlap.
        test: What answers after training.
        passes: Passes that are averaged, at least 1; prediction takes as many times as long.
    """

    mode: Mode = "pseudorandom"
    kind: Kind = "overlapping"
    test: Literal["average", "plain"] = "average"
    passes: Count = 8

    def install(self, network: nn.Module, draws: Draws) -> int:
        """A `HalvingPool` for every 2×2 max-pooling."""
        found = [name for name, module in network.named_modules() if _halves(module)]
        test_draws = FixedDraws() if self.test == "average" else None
        for layer, name in enumerate(found):
            pool = HalvingPool(self.mode, self.kind, draws, layer, test_draws)
            network.set_submodule(name, pool.train(network.training))
        return len(found)

    def finish(self, network: nn.Module) -> nn.Module:
        """The average over passes, where that is wanted."""
        if self.test == "plain":
            return network
        return AveragedPasses(network, self.passes).train(network.training)


def _halves(module: nn.Module) -> bool:
    if not isinstance(module, nn.MaxPool2d) or module.ceil_mode or module.return_indices:
        return False
    wanted = {"kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1}
    return all(getattr(module, name) in (value, (value, value)) for name, value in wanted.items())


def fractional_max_pool2d(x: Tensor, rows: Axis, columns: Axis, k: int) -> Tensor:
    """The maximum over each region; the gradient goes to the first of the largest entries.

    Args:
        x: [N, C, H, W].
        rows: First and past-the-last row of each region, int64 [N or 1, H'] each.
        columns: The same for columns, [N or 1, W'].
        k: The most rows or columns that a region has.

    Returns:
        [N, C, H', W'].
    """
    entries = x.flatten(2)
    with torch.no_grad():
        best, at = _entry(x, entries, rows, columns, 0, 0)
        for offset in range(1, k * k):
            other, place = _entry(x, entries, rows, columns, *divmod(offset, k))
            larger = (other > best) | other.isnan()
            best, at = torch.where(larger, other, best), torch.where(larger, place, at)
    return entries.gather(2, at).unflatten(2, (rows[0].shape[1], columns[0].shape[1]))


def _entry(x: Tensor, entries: Tensor, rows: Axis, columns: Axis, down: int, right: int) -> tuple[Tensor, Tensor]:
    """An entry of each region, or the last one where the region is smaller; its value and its place, [N, C, H'·W']."""
    row = torch.minimum(rows[0] + down, rows[1] - 1)[:, None, :, None]
    column = torch.minimum(columns[0] + right, columns[1] - 1)[:, None, None, :]
    place = (row * x.shape[3] + column).flatten(2).expand(x.shape[0], x.shape[1], -1)
    return entries.gather(2, place), place


class FractionalPoolLayer(nn.Module, ABC):
    """Pooling over drawn regions, in one step or several; a subclass says from which size to which."""

    def __init__(self, k: int, mode: Mode, kind: Kind, draws: Draws | None = None, layer: int = 0) -> None:
        super().__init__()
        self.k, self.layer = k, layer
        self.mode: Mode = mode
        self.kind: Kind = kind
        self.draws: Draws = draws or FreshDraws()

    @abstractmethod
    def sizes(self, size: int) -> tuple[int, ...]:
        """The sizes of an axis, from that of the input to that of the output."""

    def pooled(self, x: Tensor, draws: Draws, examples: int) -> Tensor:
        """Pool [N, C, H, W] over regions of each picture, or over one set of regions for examples = 1."""
        steps = list(zip(pairwise(self.sizes(x.shape[3])), pairwise(self.sizes(x.shape[2])), strict=True))
        axes = [axis for step in steps for axis in step]
        counts = [numbers_needed(n_out, self.mode, self.kind) for _, n_out in axes]
        numbers = draws.uniform("fractional_pool", self.layer, (examples, sum(counts)), x).double().split(counts, dim=1)
        drawn = [regions(u, *axis, self.k, self.mode, self.kind) for u, axis in zip(numbers, axes, strict=True)]
        for columns, rows in zip(drawn[::2], drawn[1::2], strict=True):
            x = fractional_max_pool2d(x, rows, columns, self.k)
        return x

    def extra_repr(self) -> str:
        """Its settings."""
        return f"mode={self.mode!r}, kind={self.kind!r}"


class HalvingPool(FractionalPoolLayer):
    """Two poolings by about √2, which together halve the picture.

    Attributes:
        test_draws: What the regions of evaluation come from, one set for all pictures; None for 2×2 regions.
    """

    def __init__(
        self, mode: Mode, kind: Kind, draws: Draws | None = None, layer: int = 0, test_draws: FixedDraws | None = None
    ) -> None:
        super().__init__(2, mode, kind, draws, layer)
        self.test_draws = test_draws

    def sizes(self, size: int) -> tuple[int, ...]:
        """Such as 28, 20, 14."""
        return size, round(math.sqrt(size * (size // 2))), size // 2

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, C, H//2, W//2]."""
        if self.training:
            return self.pooled(x, self.draws, x.shape[0])
        return self.pooled(x, self.test_draws, 1) if self.test_draws else max_pool2d(x, 2)


class AveragedPasses(nn.Module):
    """A network that answers with the log of the mean softmax over passes with different fixed regions.

    The last of them is pass 0, which is also what the network answers alone.
    """

    def __init__(self, network: nn.Module, passes: int) -> None:
        super().__init__()
        self.network = network
        self.passes = passes

    def forward(self, x: Tensor) -> Tensor:
        """From pictures to log probabilities [N, classes]; while training, one pass of the network alone."""
        if self.training:
            return self.network(x)
        answers = [log_softmax(self._passed(x, number), dim=1) for number in reversed(range(self.passes))]
        return torch.logsumexp(torch.stack(answers), dim=0) - math.log(self.passes)

    def _passed(self, x: Tensor, number: int) -> Tensor:
        for module in self.network.modules():
            if isinstance(module, HalvingPool) and module.test_draws:
                module.test_draws.number = number
        return self.network(x)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"passes={self.passes}"
