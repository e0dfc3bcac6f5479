"""What holds for every regularizer that acts in a network: as the population and the bundle use it."""

import pytest
import torch

from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.batch_norm import BatchNorm
from ravine.regularize.dropconnect import DropConnect
from ravine.regularize.dropout import Dropout
from ravine.regularize.fractional_pool import FractionalPool
from ravine.regularize.stochastic_depth import StochasticDepth
from ravine.train.state import PictureShape, Population
from ravine.train.techniques import MemberTechniques

SMALL, PLAIN, DEEP = SmallCNN(width=2, depth=2), MLP(width=6, depth=2), Residual(width=2, blocks=1)
PAIRS = [
    *(
        (network, Dropout(mode=mode, where="both"))
        for network in (SMALL, PLAIN, DEEP)
        for mode in ("plain", "inverted")
    ),
    *((PLAIN, DropConnect(test=test, samples=2)) for test in ("gaussian", "montecarlo", "mean")),
    *((network, BatchNorm("off")) for network in (SMALL, DEEP)),
    (PLAIN, BatchNorm("on")),
    *((SMALL, FractionalPool(mode, "disjoint", passes=2)) for mode in ("random", "pseudorandom")),
    (SMALL, FractionalPool(test="plain")),
    *((DEEP, StochasticDepth(mode=mode)) for mode in ("batch", "sample")),
]


def trained(architecture, techniques, seeds, steps=3):
    """Members after some steps of gradient descent."""
    population = Population(architecture, PictureShape(1, 16, 3), seeds, dtype=torch.float64, techniques=techniques)
    generator = torch.Generator().manual_seed(0)
    for step in range(steps):
        x = torch.rand(6, 1, 16, 16, generator=generator, dtype=torch.float64)
        population.gradient.zero_()
        for member, network in zip(population.techniques, population.networks, strict=True):
            member.draws.step = step
            network.train()(x).square().mean().backward()
        population.theta -= 0.1 * population.gradient
    return population


@pytest.mark.parametrize(("architecture", "part"), PAIRS, ids=str)
def test_a_member_is_the_same_alone_and_in_a_population(architecture, part):
    together, alone = trained(architecture, [[part], [part]], [4, 7]), trained(architecture, [[part]], [7])
    assert torch.equal(together.theta[1], alone.theta[0])
    assert torch.equal(together.buffers[1], alone.buffers[0])


@pytest.mark.parametrize(("architecture", "part"), PAIRS, ids=str)
def test_training_is_another_with_it(architecture, part):
    with_it, without = trained(architecture, [[part]], [7]).theta, trained(architecture, [[]], [7]).theta
    assert with_it.shape == without.shape
    assert not torch.allclose(with_it, without, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("architecture", "part"), PAIRS, ids=str)
def test_a_network_that_is_built_anew_and_loaded_answers_alike(architecture, part):
    population = trained(architecture, [[part]], [7])
    network = population.techniques[0].finished(population.networks[0]).eval()
    with torch.device("meta"):
        techniques = MemberTechniques(7, [part])
        twin = techniques.finished(techniques.installed(architecture.build(1, 16, 3)))
    twin.load_state_dict({name: value.clone() for name, value in network.state_dict().items()}, assign=True)
    x = torch.rand(4, 1, 16, 16, dtype=torch.float64)
    assert torch.equal(twin.eval()(x), network(x))
    assert torch.equal(network(x), network(x))
    torch.testing.assert_close(network(x[:1]), network(x)[:1])
