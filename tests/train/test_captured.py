"""Members one after another, eager or captured."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ravine.models.small_cnn import SmallCNN
from ravine.regularize.dropout import Dropout
from ravine.train.captured import Captured
from ravine.train.execution import Looped
from ravine.train.graph import Graph
from ravine.train.precision import Precision, mean_loss
from ravine.train.state import PictureShape, Population

X, Y = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3
SEEN = [(X, Y), (X.flip(3), nn.functional.one_hot(Y, 3).float()), (X, Y)]


def members(dropout: float = 0.0) -> Population:
    techniques = [[Dropout(dropout)] if dropout else []] * 3
    population = Population(SmallCNN(width=2, depth=2), PictureShape(1, 8, 3), [0, 1, 2], techniques=techniques)
    for network in population.networks:
        network.train()
    return population


@pytest.mark.parametrize("active", [None, torch.tensor([True, False, True])])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_eager_gives_the_bits_of_a_loop(active: Tensor | None, dropout: float):
    one, two = members(dropout), members(dropout)
    captured, looped = Captured(one, 300), Looped(two)
    for step in range(3):
        first, second = (run.losses(SEEN, [step] * 3, active) for run in (captured, looped))
        assert torch.equal(first.nan_to_num(-1), second.nan_to_num(-1))
        assert torch.equal(one.gradient, two.gradient)
        assert torch.equal(one.buffers, two.buffers)
    assert captured.graph.choice == "eager"


def test_what_draws_inside_any_member_blocks_all():
    captured = Captured(members(0.5), 300)
    captured.losses(SEEN, [0] * 3)
    assert captured.graph.reason.startswith("Dropout acts inside the network")


def test_members_share_one_captured_graph_and_the_number_of_passes_decides(tmp_path: Path):
    made, called = [], []

    def compiler(key: str, device: str):
        made.append((key, device))

        def loss(network: nn.Module, pixels: Tensor, targets: Tensor, precision: Precision = "full") -> Tensor:
            called.append(network)
            return mean_loss(network, pixels, targets, precision)

        return loss

    ticks = iter(range(10**6))
    for passes, choices in ((10, 0), (10**6, 1)):
        population = members()
        graph = Graph("auto", folder=tmp_path, compiler=compiler, clock=lambda: float(next(ticks)))
        Captured(population, passes, graph=graph).losses([(X, Y)] * 3, [0] * 3)
        assert len(made) == choices
    forced = Graph("compiled", folder=tmp_path, compiler=compiler)
    population = members()
    called.clear()
    Captured(population, 10, graph=forced).losses([(X, Y)] * 3, [0] * 3)
    assert len(made) == 2
    assert set(called) == set(population.networks)
