"""Networks whose numbers are rows of matrices."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from ravine.models.architecture import Architecture
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.train.state import PictureShape, Population, layout_of

SHAPE = PictureShape(1, 8, 3)
ARCHITECTURES = [MLP(width=5, depth=2), SmallCNN(width=2, depth=2)]


def _shares(view: torch.Tensor, matrix: torch.Tensor) -> bool:
    return view.untyped_storage().data_ptr() == matrix.untyped_storage().data_ptr()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_parameters_gradients_and_statistics_view_the_matrices(architecture: Architecture) -> None:
    population = Population(architecture, SHAPE, seeds=[0, 1, 2])
    for network in population.networks:
        assert all(_shares(parameter, population.theta) for parameter in network.parameters())
        assert all(_shares(parameter.grad, population.gradient) for parameter in network.parameters())
        floats = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
        assert all(_shares(buffer, population.buffers) for buffer in floats)
    assert population.theta.is_contiguous()
    assert population.theta.shape == (3, sum(p.numel() for p in population.networks[0].parameters()))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_change_of_the_matrix_is_a_change_of_one_network(architecture: Architecture) -> None:
    population = Population(architecture, SHAPE, seeds=[0, 1])
    before = [parameter.clone() for parameter in population.networks[0].parameters()]
    population.theta[1] = 7.0
    assert all(bool((parameter == 7).all()) for parameter in population.networks[1].parameters())
    assert all(map(torch.equal, before, population.networks[0].parameters()))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_gradient_slab_holds_what_autograd_gives_an_ordinary_network(architecture: Architecture) -> None:
    population = Population(architecture, SHAPE, seeds=[3, 4], dtype=torch.float64)
    x, y = torch.randn(6, 1, 8, 8, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2])
    for row, network in enumerate(population.networks):
        ordinary = architecture.build(1, 8, 3).double()
        ordinary.load_state_dict(network.state_dict())
        cross_entropy(ordinary(x), y).backward()
        cross_entropy(network(x), y).backward()
        expected = torch.cat([parameter.grad.flatten() for parameter in ordinary.parameters()])
        assert torch.allclose(population.gradient[row], expected, rtol=0, atol=1e-14)


def test_batch_norm_statistics_land_in_the_matrix() -> None:
    population = Population(SmallCNN(width=2, depth=1), SHAPE, seeds=[0, 1])
    network, x = population.networks[1], torch.randn(16, 1, 8, 8)
    before = population.buffers.clone()
    network.train()
    seen = network[1][0](x)
    network(x)
    mean, variance = seen.mean((0, 2, 3)), seen.var((0, 2, 3))
    assert torch.allclose(population.buffers[1], torch.cat([0.1 * mean, 0.9 + 0.1 * variance]), atol=1e-6)
    assert torch.equal(population.buffers[0], before[0])


def test_kinds_tell_weights_biases_and_norms_apart() -> None:
    kinds = {slot.name: slot.kind for slot in layout_of(SmallCNN(width=2, depth=1).build(1, 8, 3)).slots}
    assert kinds == {
        "1.0.weight": "weight",
        "1.1.weight": "norm",
        "1.1.bias": "norm",
        "4.weight": "weight",
        "4.bias": "bias",
    }


def test_batch_norms_of_timm_are_norms_too() -> None:
    body = Backbone("test_resnet", "random").build(3, 32, 2)
    norms = {name for name, module in body.named_modules() if isinstance(module, nn.BatchNorm2d)}
    kinds = {slot.name: slot.kind for slot in layout_of(body).slots}
    assert norms
    assert all(kinds[f"{name}.weight"] == kinds[f"{name}.bias"] == "norm" for name in norms)


def test_what_is_frozen_is_in_no_row() -> None:
    network = MLP(width=5, depth=1).build(1, 8, 3)
    network[2].requires_grad_(False)
    assert [slot.name for slot in layout_of(network).slots] == ["5.weight", "5.bias"]


@how(max_examples=20)
@given(
    seeds=st.lists(st.integers(0, 2**40), min_size=1, max_size=4, unique=True),
    architecture=st.sampled_from(ARCHITECTURES),
)
def test_a_seed_gives_the_same_start_alone_and_in_any_population(seeds: list[int], architecture: Architecture) -> None:
    torch.manual_seed(5)
    population = Population(architecture, SHAPE, seeds)
    after = torch.rand(1)
    for row, seed in enumerate(seeds):
        assert torch.equal(Population(architecture, SHAPE, [seed]).theta[0], population.theta[row])
    assert len({tuple(row.tolist()) for row in population.theta}) == len(seeds)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1)), "torch's own generator moved"


def test_state_dicts_are_those_of_an_ordinary_network() -> None:
    network = Population(SmallCNN(width=2, depth=2), SHAPE, [0]).networks[0]
    ordinary = SmallCNN(width=2, depth=2).build(1, 8, 3)
    assert list(network.state_dict()) == list(ordinary.state_dict())
    ordinary.load_state_dict(network.state_dict())
