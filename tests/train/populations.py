"""Populations on random pictures, and the same training by several executions."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ravine.models.architecture import Architecture
from ravine.moments import Technique
from ravine.optim.momentum import Momentum
from ravine.schedules.constant import Constant
from ravine.train.execution import Execution, Looped
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

SHAPE = PictureShape(1, 8, 3)
RATES = (0.003, 0.01, 0.03)


class Twice(nn.Module):
    """Twice what a network says."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """From pictures to logits."""
        return 2 * self.network(x)


@dataclass(frozen=True)
class Doubled(Technique):
    """A technique that answers in place of the trained network."""

    def finish(self, network: nn.Module) -> nn.Module:
        """Twice what it says."""
        return Twice(network)


@dataclass
class Course:
    """What an execution has led to."""

    population: Population
    losses: Tensor

    def numbers(self) -> Tensor:
        """Everything that a member has, [K, …]."""
        counters = [
            [float(buffer) for buffer in network.buffers() if not buffer.is_floating_point()]
            for network in self.population.networks
        ]
        parts = [self.population.theta, self.population.buffers, torch.tensor(counters, dtype=torch.float64)]
        return torch.cat([part.double() for part in parts], dim=1)


def population(
    architecture: Architecture,
    dtype: torch.dtype = torch.float64,
    techniques: Sequence[Sequence[Technique]] | None = None,
) -> Population:
    """Three members with different seeds."""
    return Population(architecture, SHAPE, (4, 0, 9), dtype=dtype, techniques=techniques)


def batch(step: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Pixels [12, 1, 8, 8] and labels."""
    generator = torch.Generator().manual_seed(step)
    pixels = torch.randn(12, 1, 8, 8, generator=generator, dtype=torch.float64)
    return pixels.to(dtype), torch.randint(0, 3, (12,), generator=generator)


def course(
    execution: Execution, steps: int, *, own_batches: bool = False, active: Tensor | None = None, smooth: bool = False
) -> Course:
    """Train: every member at its own rate, on the same pictures or on its own."""
    members = execution.population
    stepper = Stepper(
        Momentum(lr=RATES), Constant(), [], members.layout, members.theta, members.gradient, steps, compiled=False
    )
    losses = []
    for step in range(steps):
        common = batch(step, members.theta.dtype)
        seen = [batch(100 * step + row, members.theta.dtype) if own_batches else common for row in range(3)]
        if smooth:
            seen[1] = (seen[1][0], torch.nn.functional.one_hot(seen[1][1], 3) * 0.9 + 0.1 / 3)
        losses.append(execution.losses(seen, stepper.steps.tolist(), active))
        stepper.step(active)
    return Course(members, torch.stack(losses))


def looped(members: Population, steps: int, **how: object) -> Course:
    """The reference."""
    return course(Looped(members), steps, **how)
