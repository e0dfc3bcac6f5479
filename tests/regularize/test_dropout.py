from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ravine.base.draws import FixedDraws, FreshDraws, KeyedDraws
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.moments import Site
from ravine.regularize.dropout import Dropout, DropoutLayer, dropout

MASKS = torch.tensor(list(product([0.0, 1.0], repeat=9)), dtype=torch.float64)


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("mode", ["plain", "inverted"])
def test_the_test_pass_is_the_average_over_all_masks_through_a_linear_layer(p, mode):
    x, layer = torch.randn(1, 9).double(), nn.Linear(9, 4).double()
    probability = (MASKS * (1 - p) + (1 - MASKS) * p).prod(1)
    uniform = torch.where(MASKS == 1, (1 + p) / 2, p / 2)
    average = probability @ layer(dropout(x, uniform, p, mode))
    torch.testing.assert_close(average, layer(DropoutLayer(p, mode).eval()(x))[0], rtol=0, atol=1e-12)


def test_plain_and_inverted_have_equal_expected_activations_but_for_the_scale_of_the_test_pass():
    x, uniform = torch.randn(9).double(), MASKS * 0.75
    plain, inverted = (dropout(x, uniform, 0.5, mode).mean(0) for mode in ("plain", "inverted"))
    torch.testing.assert_close(plain, DropoutLayer(0.5, "plain").eval()(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(inverted, DropoutLayer(0.5, "inverted").eval()(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(plain / 0.5, inverted, rtol=0, atol=1e-12)


@settings(max_examples=25)
@given(st.floats(0, 0.95), st.integers(0, 100))
def test_a_share_of_p_is_dropped_and_the_rest_is_scaled(p, seed):
    x = torch.ones(200, 50)
    y = DropoutLayer(p, "inverted", KeyedDraws(seed))(x)
    assert abs((y == 0).double().mean() - p) < 0.02
    torch.testing.assert_close(y[y != 0], torch.full_like(y[y != 0], 1 / (1 - p)))


def test_one_mask_an_example():
    y = DropoutLayer(0.5, "plain", KeyedDraws(0))(torch.ones(32, 20))
    assert len(y.unique(dim=0)) == 32


def test_keyed_masks_repeat_and_differ_by_step_layer_and_seed():
    def mask(seed=3, step=5, layer=1):
        draws = KeyedDraws(seed)
        draws.step = step
        return DropoutLayer(0.5, "plain", draws, layer)(torch.ones(4, 30))

    assert torch.equal(mask(), mask())
    assert not any(torch.equal(mask(), other) for other in (mask(seed=4), mask(step=6), mask(layer=2)))


def test_fresh_masks_follow_the_global_generator():
    layer, x = DropoutLayer(0.5, "inverted"), torch.ones(4, 30)
    assert isinstance(layer.draws, FreshDraws)
    torch.manual_seed(0)
    first, second = layer(x), layer(x)
    torch.manual_seed(0)
    assert torch.equal(layer(x), first)
    assert not torch.equal(second, first)


def test_evaluation_stays_random_with_given_draws_and_independent_of_the_batch():
    layer, x = DropoutLayer(0.5, "inverted").eval(), torch.rand(6, 40)
    assert torch.equal(layer(x), x)
    layer.test_draws = FixedDraws(seed=1)
    first = layer(x)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, x)
    torch.testing.assert_close(layer(x[2:3]), first[2:3])
    layer.test_draws.number = 1
    assert not torch.equal(layer(x), first)


def test_the_mean_of_random_evaluations_nears_the_deterministic_one():
    layer, x = DropoutLayer(0.3, "plain").eval(), torch.rand(1, 40)
    expected = layer(x)
    layer.test_draws = draws = FixedDraws()
    total = torch.zeros_like(x)
    for draws.number in range(2000):
        total += layer(x)
    torch.testing.assert_close(total / 2000, expected, rtol=0, atol=0.05)


@pytest.mark.parametrize(("where", "mlp", "cnn"), [("before_head", 1, 1), ("after_block", 2, 3), ("both", 3, 4)])
def test_install_fills_the_named_sites(where, mlp, cnn):
    for network, places in ((MLP(width=4, depth=3).build(1, 4, 2), mlp), (SmallCNN(width=2).build(1, 16, 2), cnn)):
        names = dict(network.named_parameters())
        assert Dropout(where=where).install(network, KeyedDraws(0)) == places
        layers = [module for module in network.modules() if isinstance(module, DropoutLayer)]
        assert [layer.layer for layer in layers] == list(range(places))
        assert {name: id(p) for name, p in network.named_parameters()} == {name: id(p) for name, p in names.items()}


def test_install_leaves_other_sites_alone():
    network = nn.Sequential(Site("input"), Site("before_head"))
    Dropout().install(network, KeyedDraws(0))
    assert isinstance(network[0], Site)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_gradients_at_the_ends(p):
    x = torch.ones(3, 4, requires_grad=True)
    DropoutLayer(p, "inverted")(x).sum().backward()
    assert torch.equal(x.grad, torch.full((3, 4), 1 - p))


def test_gradcheck():
    x, uniform = torch.randn(3, 4).double().requires_grad_(), torch.rand(3, 4)
    assert torch.autograd.gradcheck(lambda x: dropout(x, uniform, 0.4, "inverted"), [x])


@pytest.mark.parametrize("random", [False, True])
def test_an_exported_network_answers_alike(random):
    network = nn.Sequential(nn.Linear(6, 6), DropoutLayer(0.5, "plain")).eval()
    network[1].test_draws = FixedDraws() if random else None
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(network, (torch.rand(3, 6),), dynamic_shapes=dynamic).module()
    x = torch.rand(5, 6)
    torch.testing.assert_close(exported(x), network(x))
