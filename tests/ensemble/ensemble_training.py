"""A small training by torch alone, which collectors watch, and judges of made-up candidates."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from ravine.base.layout import Layout
from ravine.ensemble.collector import Course
from ravine.ensemble.judge import Judge, Measure
from ravine.schedules.constant import Constant


def course(epochs: int = 10, steps_per_epoch: int = 5, schedule=None, members: int = 1) -> Course:
    return Course(members, epochs, steps_per_epoch, schedule or Constant())


def small_network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    return network.double()


def layout_of(network: nn.Module) -> Layout:
    return Layout.of((name, tuple(value.shape), "weight") for name, value in network.named_parameters())


def row(network: nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten() for value in network.parameters()])[None].clone()


def buffer_row(network: nn.Module) -> Tensor:
    floating = [value for value in network.buffers() if value.is_floating_point()]
    return torch.cat([value.flatten() for value in floating])[None].clone()


def trained_steps(network: nn.Module, steps: int) -> Iterator[int]:
    """Train in place, and yield the number of each step after it."""
    generator = torch.Generator().manual_seed(7)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for step in range(1, steps + 1):
        x = torch.randn(8, 3, generator=generator, dtype=torch.float64)
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()
        yield step


def linear_judge(rows: np.ndarray, measure: Measure = "nll", pictures: int = 30) -> Judge:
    """Candidates that are weights [M, F·3] of softmax regressions on F features, and validation pictures for them."""
    features = rows.shape[1] // 3
    draw = np.random.default_rng(0)
    x, labels = draw.normal(size=(pictures, features)), draw.integers(0, 3, pictures)

    def logits(shares: tuple[float, ...]) -> np.ndarray:
        return x @ (np.array(shares) @ rows).reshape(features, 3)

    return Judge(logits, labels, measure)
