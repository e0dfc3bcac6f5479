import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ravine.base.errors import PlanError
from ravine.models.residual import Residual
from ravine.moments import Block, Site
from ravine.train.state import PictureShape, Population


def blocks_of(network):
    return [module for module in network if isinstance(module, Block)]


@settings(max_examples=20)
@given(st.integers(1, 2), st.sampled_from([1, 3]), st.integers(1, 64), st.integers(2, 7))
def test_logits_for_every_class(blocks, channels, size, classes):
    network = Residual(width=2, blocks=blocks).build(channels, size, classes)
    assert network(torch.rand(2, channels, size, size)).shape == (2, classes)


@pytest.mark.parametrize(("size", "stages"), [(8, 1), (9, 2), (16, 2), (28, 3), (32, 3), (33, 4), (64, 4)])
def test_stages_double_the_channels_until_eight_pixels_are_left(size, stages):
    network = Residual(width=2, blocks=2).build(1, size, 3)
    assert len(blocks_of(network)) == 2 * stages
    assert network[-1].in_features == 2 << (stages - 1)
    features = network[:-4](torch.rand(2, 1, size, size))
    assert features.shape[-1] <= 8


def test_a_block_is_the_rectified_sum_of_shortcut_and_branch():
    network = Residual(width=3, blocks=1).build(1, 16, 3)
    first, second = blocks_of(network)
    x = torch.randn(2, 3, 16, 16)
    assert isinstance(first.shortcut, nn.Identity)
    torch.testing.assert_close(first.eval()(x), torch.relu(x + first.branch(x)))
    assert second.eval()(x).shape == (2, 6, 8, 8)
    assert [type(layer).__name__ for layer in second.branch] == [
        *("Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"),
    ]


def test_sites():
    network = Residual(width=2, blocks=2).build(1, 16, 3)
    names = [module.name for module in network if isinstance(module, Site)]
    assert names == ["input", *["after_block"] * 4, "before_head"]


def test_it_is_a_member_of_a_population():
    population = Population(Residual(width=2, blocks=1), PictureShape(1, 9, 3), seeds=[0, 1])
    loss = population.networks[1](torch.rand(4, 1, 9, 9)).square().mean()
    loss.backward()
    assert not bool(population.gradient[0].any())
    assert bool(population.gradient[1].any())


def test_sizes_have_ranges():
    with pytest.raises(PlanError, match=r"Residual.blocks = 0|residual.blocks = 0|blocks = 0"):
        Residual(blocks=0)
