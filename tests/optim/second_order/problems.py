"""Nineteen problems of Moré, Garbow and Hillstrom, "Testing unconstrained optimization software", ACM TOMS 7 (1981).

Numbers, starting points and data are that paper's. Each is f(x) = Σ rᵢ(x)², over rows x [K, n].
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Problem:
    """A sum of squares: its number and name in the paper, its start, its known minima, and where to stop."""

    number: int
    name: str
    residuals: Callable[[Tensor], Tensor]
    start: Tensor
    minima: tuple[float, ...] = (0.0,)
    gtol: float = 1e-6

    def loss(self, x: Tensor) -> Tensor:
        """Σ rᵢ² of each row, [K]."""
        return self.residuals(x).square().sum(1)


def _columns(x: Tensor) -> tuple[Tensor, ...]:
    return x.unbind(1)


def rosenbrock(x: Tensor) -> Tensor:
    a, b = x[:, 0::2], x[:, 1::2]
    return torch.cat([10 * (b - a**2), 1 - a], 1)


def freudenstein_roth(x: Tensor) -> Tensor:
    a, b = _columns(x)
    return torch.stack([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b], 1)


def powell_badly_scaled(x: Tensor) -> Tensor:
    a, b = _columns(x)
    return torch.stack([1e4 * a * b - 1, torch.exp(-a) + torch.exp(-b) - 1.0001], 1)


def brown_badly_scaled(x: Tensor) -> Tensor:
    a, b = _columns(x)
    return torch.stack([a - 1e6, b - 2e-6, a * b - 2], 1)


def beale(x: Tensor) -> Tensor:
    a, b = x[:, :1], x[:, 1:]
    return x.new_tensor([1.5, 2.25, 2.625]) - a * (1 - b ** x.new_tensor([1, 2, 3]))


def helical_valley(x: Tensor) -> Tensor:
    a, b, c = _columns(x)
    turn = torch.atan(b / a) / (2 * math.pi) + torch.where(a < 0, 0.5, 0.0)
    return torch.stack([10 * (c - 10 * turn), 10 * (torch.hypot(a, b) - 1), c], 1)


def bard(x: Tensor) -> Tensor:
    y = x.new_tensor([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
    u = torch.arange(1, 16, dtype=x.dtype)
    v = 16 - u
    return y - (x[:, :1] + u / (v * x[:, 1:2] + torch.minimum(u, v) * x[:, 2:]))


def box_three_dimensional(x: Tensor) -> Tensor:
    t = 0.1 * torch.arange(1, 11, dtype=x.dtype)
    a, b, c = x[:, :1], x[:, 1:2], x[:, 2:]
    return torch.exp(-t * a) - torch.exp(-t * b) - c * (torch.exp(-t) - torch.exp(-10 * t))


def powell_singular(x: Tensor) -> Tensor:
    a, b, c, d = (x[:, i::4] for i in range(4))
    return torch.cat([a + 10 * b, math.sqrt(5) * (c - d), (b - 2 * c) ** 2, math.sqrt(10) * (a - d) ** 2], 1)


def wood(x: Tensor) -> Tensor:
    a, b, c, d = _columns(x)
    residuals = [10 * (b - a**2), 1 - a, math.sqrt(90) * (d - c**2), 1 - c]
    return torch.stack([*residuals, math.sqrt(10) * (b + d - 2), (b - d) / math.sqrt(10)], 1)


def kowalik_osborne(x: Tensor) -> Tensor:
    y = x.new_tensor([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
    u = x.new_tensor([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
    a, b, c, d = (x[:, i : i + 1] for i in range(4))
    return y - a * (u**2 + u * b) / (u**2 + u * c + d)


def brown_dennis(x: Tensor) -> Tensor:
    t = torch.arange(1, 21, dtype=x.dtype) / 5
    a, b, c, d = (x[:, i : i + 1] for i in range(4))
    return (a + t * b - torch.exp(t)) ** 2 + (c + d * torch.sin(t) - torch.cos(t)) ** 2


def penalty_one(x: Tensor) -> Tensor:
    return torch.cat([math.sqrt(1e-5) * (x - 1), x.square().sum(1, keepdim=True) - 0.25], 1)


def variably_dimensioned(x: Tensor) -> Tensor:
    total = ((x - 1) * torch.arange(1, x.shape[1] + 1, dtype=x.dtype)).sum(1, keepdim=True)
    return torch.cat([x - 1, total, total**2], 1)


def trigonometric(x: Tensor) -> Tensor:
    n = x.shape[1]
    i = torch.arange(1, n + 1, dtype=x.dtype)
    return n - torch.cos(x).sum(1, keepdim=True) + i * (1 - torch.cos(x)) - torch.sin(x)


def discrete_boundary_value(x: Tensor) -> Tensor:
    h = 1 / (x.shape[1] + 1)
    t = h * torch.arange(1, x.shape[1] + 1, dtype=x.dtype)
    padded = torch.nn.functional.pad(x, (1, 1))
    return 2 * x - padded[:, :-2] - padded[:, 2:] + h**2 * (x + t + 1) ** 3 / 2


def broyden_tridiagonal(x: Tensor) -> Tensor:
    padded = torch.nn.functional.pad(x, (1, 1))
    return (3 - 2 * x) * x - padded[:, :-2] - 2 * padded[:, 2:] + 1


def _point(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


_TEN = torch.arange(1, 11, dtype=torch.float64)

PROBLEMS = (
    Problem(1, "Rosenbrock", rosenbrock, _point(-1.2, 1)),
    Problem(2, "Freudenstein and Roth", freudenstein_roth, _point(0.5, -2), (0.0, 48.9842)),
    Problem(3, "Powell badly scaled", powell_badly_scaled, _point(0, 1)),
    Problem(4, "Brown badly scaled", brown_badly_scaled, _point(1, 1)),
    Problem(5, "Beale", beale, _point(1, 1)),
    Problem(7, "helical valley", helical_valley, _point(-1, 0, 0)),
    Problem(8, "Bard", bard, _point(1, 1, 1), (8.21487e-3,)),
    Problem(12, "box three-dimensional", box_three_dimensional, _point(0, 10, 20)),
    Problem(13, "Powell singular", powell_singular, _point(3, -1, 0, 1)),
    Problem(14, "Wood", wood, _point(-3, -1, -3, -1)),
    Problem(15, "Kowalik and Osborne", kowalik_osborne, _point(0.25, 0.39, 0.415, 0.39), (3.07505e-4,)),
    Problem(16, "Brown and Dennis", brown_dennis, _point(25, 5, -5, -1), (85822.2,), gtol=1e-6 * 85822.2),
    Problem(21, "extended Rosenbrock", rosenbrock, _point(-1.2, 1).repeat(50)),
    Problem(22, "extended Powell singular", powell_singular, _point(3, -1, 0, 1).repeat(25)),
    Problem(23, "penalty I", penalty_one, _TEN, (7.08765e-5,)),
    Problem(25, "variably dimensioned", variably_dimensioned, 1 - _TEN / 10),
    Problem(26, "trigonometric", trigonometric, torch.full((10,), 0.1, dtype=torch.float64), (0.0, 2.79506e-5)),
    Problem(28, "discrete boundary value", discrete_boundary_value, _TEN / 11 * (_TEN / 11 - 1)),
    Problem(30, "Broyden tridiagonal", broyden_tridiagonal, -torch.ones(100, dtype=torch.float64)),
)
