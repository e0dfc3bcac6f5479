"""A population on a smooth convex problem with noisy gradients, and the same members one at a time."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from ravine.base.layout import Layout
from ravine.interfaces import Penalty, Rule, Schedule
from ravine.schedules.constant import Constant
from ravine.train.step import Stepper

MEMBERS, STEPS = 16, 200


def random_layout(seed: int) -> Layout:
    """Up to four layers: matrices, convolutions, norms and biases of random sizes."""
    generator = torch.Generator().manual_seed(seed)

    def number() -> int:
        return int(torch.randint(1, 5, (), generator=generator))

    entries = []
    for index in range(number()):
        rows = number()
        shape = (rows, number(), 3, 3) if number() > 3 else (rows, number())
        entries += [(f"{index}.weight", shape, "weight"), (f"{index}.norm", (rows,), "norm")]
        entries += [(f"{index}.bias", (rows,), "bias")]
    return Layout.of(entries)


class Problem:
    """Gradients tanh(a·θ − b) + noise of the step; a, b and the start differ between members."""

    def __init__(self, seed: int, layout: Layout, members: int = MEMBERS) -> None:
        generator = torch.Generator().manual_seed(seed)
        shape = (members, layout.size)
        self.layout = layout
        self.start = torch.randn(shape, generator=generator, dtype=torch.float64)
        self.a = torch.rand(shape, generator=generator, dtype=torch.float64) + 0.5
        self.b = torch.randn(shape, generator=generator, dtype=torch.float64)
        self.noise = 0.3 * torch.randn((STEPS, *shape), generator=generator, dtype=torch.float64)

    def gradient(self, theta: Tensor, t: int) -> Tensor:
        """Gradients of all members at step t, counted from 0."""
        return torch.tanh(self.a * theta - self.b) + self.noise[t]

    def member_gradient(self, member: int, row: Tensor, t: int) -> Tensor:
        """The gradient of one member."""
        return torch.tanh(self.a[member] * row - self.b[member]) + self.noise[t, member]


def spread(low: float, high: float, members: int = MEMBERS) -> tuple[float, ...]:
    """Different values for all members, in no particular order."""
    return tuple(low + (high - low) * ((5 * i + 3) % members) / (members - 1) for i in range(members))


def trained(
    problem: Problem, rule: Rule, penalties: Sequence[Penalty] = (), schedule: Schedule | None = None
) -> tuple[Tensor, Stepper]:
    """The population's parameters after all steps, and its stepper."""
    theta, gradient = problem.start.clone(), torch.empty_like(problem.start)
    stepper = Stepper(
        rule, schedule or Constant(), penalties, problem.layout, theta, gradient, total_steps=STEPS, compiled=False
    )
    for t in range(STEPS):
        gradient.copy_(problem.gradient(theta, t))
        if rule.needs_probe:
            stepper.probe()
            gradient.copy_(problem.gradient(theta, t))
        stepper.step()
    return theta, stepper


def by_torch(problem: Problem, make: Callable[[int, Iterable[Tensor]], torch.optim.Optimizer]) -> Tensor:
    """The parameters after all steps of one torch optimizer a member."""
    rows = []
    for member in range(MEMBERS):
        row = problem.start[member : member + 1].clone()
        parameters = [torch.nn.Parameter(value[0].clone()) for value in problem.layout.split(row).values()]
        optimizer = make(member, parameters)
        for t in range(STEPS):
            row = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
            gradient = problem.member_gradient(member, row, t)
            for parameter, value in zip(parameters, problem.layout.split(gradient[None]).values(), strict=True):
                parameter.grad = value[0]
            optimizer.step()
        rows.append(torch.cat([parameter.detach().reshape(-1) for parameter in parameters]))
    return torch.stack(rows)


def by_hand(problem: Problem, member_step: Callable[[int], Callable[[Tensor, Tensor, int], Tensor]]) -> Tensor:
    """The parameters after all steps of a step written for one member: (row, gradient, t from 1) to the next row."""
    rows = []
    for member in range(MEMBERS):
        step, row = member_step(member), problem.start[member].clone()
        for t in range(STEPS):
            row = step(row, problem.member_gradient(member, row, t), t + 1)
        rows.append(row)
    return torch.stack(rows)
