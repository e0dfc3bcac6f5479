import math

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, silu

from ravine.base.draws import KeyedDraws
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.dropconnect import DropConnect, DropConnectLayer, MaskedLinear, expected, moments
from ravine.regularize.dropout import DropoutLayer


def linear(inputs=6, outputs=4, bias=True, seed=0):
    torch.manual_seed(seed)
    return nn.Linear(inputs, outputs, bias=bias).double()


def one_by_one(x, layer, kept):
    """(M ⊙ W)x + m ⊙ b, an example at a time."""
    rows = []
    for example, mask in zip(x, kept, strict=True):
        u = (mask[:, :-1] * layer.weight) @ example
        rows.append(u if layer.bias is None else u + mask[:, -1] * layer.bias)
    return torch.stack(rows)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cached", [1, 60, 1 << 18])
def test_masked_linear_for_every_example(bias, cached, monkeypatch):
    monkeypatch.setattr("ravine.regularize.dropconnect.CACHED_ENTRIES", cached)
    layer, x, kept = linear(bias=bias), torch.randn(5, 6).double().requires_grad_(), torch.rand(5, 4, 7) > 0.5
    ours, reference = MaskedLinear.apply(x, layer.weight, layer.bias, kept), one_by_one(x, layer, kept)
    torch.testing.assert_close(ours, reference)
    inputs, outer = [x, *layer.parameters()], torch.randn(5, 4).double()
    for one, other in zip(*(torch.autograd.grad(y, inputs, outer) for y in (ours, reference)), strict=True):
        torch.testing.assert_close(one, other)
    arguments = (x.detach().requires_grad_(), layer.weight, layer.bias, kept)
    assert torch.autograd.gradcheck(MaskedLinear.apply, arguments)
    assert torch.autograd.gradgradcheck(MaskedLinear.apply, arguments)


def test_moments_are_those_of_all_masks():
    layer, x = linear(3, 1), torch.randn(1, 3).double()
    kept = torch.tensor([[(number >> bit) & 1 for bit in range(4)] for number in range(16)], dtype=torch.bool)[:, None]
    share = kept.double()
    probability = (share * 0.7 + (1 - share) * 0.3).prod(2)[:, 0]
    u = one_by_one(x.expand(16, 3), layer, kept)[:, 0]
    mean = probability @ u
    got = moments(x, layer.weight, layer.bias, p=0.3)
    torch.testing.assert_close(got[0].item(), mean.item(), rtol=0, atol=1e-12)
    torch.testing.assert_close(got[1].item(), (probability @ (u - mean) ** 2).item(), rtol=0, atol=1e-12)


def test_gaussian_is_within_one_percent_of_monte_carlo_where_the_mean_is_far_off():
    layer, x, p = linear(256, 128, seed=2), torch.rand(1, 256).double(), 0.55
    truth = DropConnectLayer(layer, p, draws=KeyedDraws(0)).train()(x.expand(4000, 256)).mean().item()
    gaussian = DropConnectLayer(layer, p).eval()(x).mean().item()
    mean = DropConnectLayer(layer, p, test="mean").eval()(x).mean().item()
    assert abs(gaussian / truth - 1) < 0.01
    assert mean / truth == pytest.approx(0.63, abs=0.02)


def test_fixed_masks_near_the_gaussian_and_repeat():
    layer, x = linear(128, 64), torch.rand(3, 128).double()
    sampled = DropConnectLayer(layer, 0.5, test="montecarlo", samples=300).eval()
    first = sampled(x)
    assert torch.equal(sampled(x), first)
    torch.testing.assert_close(sampled(x[1:2]), first[1:2])
    torch.testing.assert_close(first.mean(), DropConnectLayer(layer, 0.5).eval()(x).mean(), rtol=0.02, atol=0)


@pytest.mark.parametrize(
    ("name", "function"),
    [("relu", torch.relu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("gelu", gelu), ("silu", silu)],
)
def test_expected_activation_against_fine_integration(name, function):
    mean, variance = torch.tensor([-2.0, 0.0, 0.3, 4.0]).double(), torch.tensor([0.5, 2.0, 1e-6, 4.0]).double()
    z = torch.linspace(-9, 9, 200_001).double()
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    reference = torch.trapezoid(function(mean[:, None] + variance.sqrt()[:, None] * z) * density, z)
    torch.testing.assert_close(expected(name, mean, variance), reference, rtol=0, atol=1e-5)


def test_without_variance_the_expectation_is_the_activation():
    mean = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    for name, function in (("relu", torch.relu), ("tanh", torch.tanh), ("identity", lambda u: u)):
        value = expected(name, mean, torch.zeros(3))
        torch.testing.assert_close(value, function(mean))
        (gradient,) = torch.autograd.grad(value.sum(), mean)
        assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("test", ["gaussian", "montecarlo", "mean"])
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_ends_of_p(p, test):
    layer, x = linear(), torch.randn(3, 6).double()
    plain = torch.relu(layer(x)) * (1 - p)
    module = DropConnectLayer(layer, p, test=test, samples=3)
    torch.testing.assert_close(module.eval()(x), plain)
    torch.testing.assert_close(module.train()(x), plain)


def test_keyed_masks_repeat_and_differ_by_step_layer_seed_and_example():
    layer, x = linear(), torch.ones(4, 6).double()

    def output(seed=3, step=5, number=1):
        draws = KeyedDraws(seed)
        draws.step = step
        return DropConnectLayer(layer, 0.5, "identity", draws=draws, number=number)(x)

    assert torch.equal(output(), output())
    assert not any(torch.equal(output(), other) for other in (output(seed=4), output(step=6), output(number=2)))
    assert len(output().unique(dim=0)) == 4


def test_chunks_of_masks_differ(monkeypatch):
    monkeypatch.setattr("ravine.regularize.dropconnect.DRAWN_ENTRIES", 1)
    y = DropConnectLayer(linear(20, 20), 0.5, "identity", draws=KeyedDraws(0))(torch.ones(4, 20).double())
    assert len(y.unique(dim=0)) == 4


def test_install_takes_hidden_layers_and_keeps_parameters_and_names():
    network = MLP(width=4, depth=2).build(1, 4, 2)
    before = {name: id(parameter) for name, parameter in network.named_parameters()}
    state = {name: value.clone() for name, value in network.state_dict().items()}
    assert DropConnect(p=0.25).install(network, KeyedDraws(0)) == 2
    assert {name: id(parameter) for name, parameter in network.named_parameters()} == before
    network.load_state_dict(state)
    assert [type(module).__name__ for module in network] == [
        *("Site", "Flatten", "DropConnectLayer", "Identity", "Site"),
        *("DropConnectLayer", "Identity", "Site", "Linear"),
    ]
    assert [module.layer for module in network if isinstance(module, DropConnectLayer)] == [0, 1]


def test_install_finds_nothing_without_hidden_layers():
    assert DropConnect().install(SmallCNN(width=2).build(1, 8, 2), KeyedDraws(0)) == 0


def test_without_dropping_a_network_is_the_plain_one():
    torch.manual_seed(0)
    network = MLP(width=5, depth=2).build(1, 3, 2).double()
    x = torch.randn(2, 1, 3, 3).double()
    before = network(x)
    DropConnect(p=0.0).install(network, KeyedDraws(0))
    torch.testing.assert_close(network.train()(x), before)
    torch.testing.assert_close(network.eval()(x), before)


def test_leading_dimensions():
    module = DropConnectLayer(linear(), 0.5)
    assert module.train()(torch.randn(2, 3, 6).double()).shape == (2, 3, 4)
    assert module.eval()(torch.randn(6).double()).shape == (4,)


@pytest.mark.parametrize("test", ["gaussian", "montecarlo", "mean"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_an_exported_network_answers_alike(test, activation):
    network = nn.Sequential(DropConnectLayer(linear().float(), 0.5, activation, test, samples=3)).eval()
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(network, (torch.rand(3, 6),), dynamic_shapes=dynamic).module()
    x = torch.rand(5, 6)
    torch.testing.assert_close(exported(x), network(x))


def test_dropconnect_is_not_dropout():
    """Dropping a unit drops all its weights; here the weights of one unit go on their own."""
    layer, x = linear(1, 64, bias=False), torch.ones(1, 1).double()
    dropped = layer(DropoutLayer(0.5, "plain", KeyedDraws(1))(x)) == 0
    assert len(dropped.unique()) == 1
    alone = DropConnectLayer(layer, 0.5, "identity", draws=KeyedDraws(1))(x) == 0
    assert len(alone.unique()) == 2
