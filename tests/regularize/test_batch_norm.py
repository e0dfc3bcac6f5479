import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import nn
from torch.optim.swa_utils import update_bn

from ravine.base.draws import KeyedDraws
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.batch_norm import BatchNorm, NormalisedLinear, Unnormalised, batch_norm, reestimate
from ravine.train.state import PictureShape, Population


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5, 2)])
def test_formula_and_running_statistics_are_pytorchs(shape):
    norm = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(3, momentum=0.3).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(shape).double() * 2 + 1
    y, mean, variance = batch_norm(x, norm.weight, norm.bias)
    torch.testing.assert_close(y, norm(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(norm.running_mean, 0.3 * mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(norm.running_var, 0.7 + 0.3 * variance, rtol=0, atol=1e-12)


def test_on_normalises_hidden_layers_with_their_own_parameters():
    network = MLP(width=4, depth=2).build(1, 3, 2)
    before = {name: id(parameter) for name, parameter in network.named_parameters()}
    assert BatchNorm(momentum=0.2).install(network, KeyedDraws(0)) == 2
    assert {name: id(parameter) for name, parameter in network.named_parameters()} == before
    first = network[2]
    x = torch.randn(8, 9)
    torch.testing.assert_close((first(x) - first.bias).mean(0), torch.zeros(4), rtol=0, atol=1e-6)
    torch.testing.assert_close((first(x) - first.bias).var(0, correction=0), torch.ones(4), rtol=0, atol=1e-3)
    assert first.norm.momentum == 0.2


def test_a_positive_factor_of_the_norm_can_be_taken_by_the_next_layer():
    """γ is left out: behind a ReLU it scales bias and next weights alone."""
    layer, following, x = nn.Linear(3, 4).double(), nn.Linear(4, 2).double(), torch.randn(6, 3).double()
    gamma, ours = torch.rand(4).double() + 0.5, NormalisedLinear(layer)
    full = nn.BatchNorm1d(4).double()
    full.load_state_dict({"weight": gamma, "bias": gamma * layer.bias}, strict=False)
    expected = following(torch.relu(full(x @ layer.weight.T)))
    got = torch.relu(ours(x)) @ (following.weight * gamma).T + following.bias
    torch.testing.assert_close(got, expected)


def test_on_changes_only_the_settings_of_norms_that_are_there():
    network = SmallCNN(width=2).build(1, 16, 3)
    assert BatchNorm().install(network, KeyedDraws(0)) == 0
    assert BatchNorm(momentum=0.01, eps=1e-3).install(network, KeyedDraws(0)) == 3
    assert {(m.momentum, m.eps) for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {(0.01, 1e-3)}


def test_off_keeps_parameters_and_state_and_normalises_no_more():
    network = SmallCNN(width=2, depth=1).build(1, 6, 3)
    before, state = dict(network.named_parameters()), network.state_dict()
    assert BatchNorm("off").install(network, KeyedDraws(0)) == 1
    assert all(parameter is before[name] for name, parameter in network.named_parameters())
    assert list(network.state_dict()) == list(state)
    network.load_state_dict(state)
    affine = network[1][1]
    assert isinstance(affine, Unnormalised)
    nn.init.normal_(affine.weight)
    nn.init.normal_(affine.bias)
    x = torch.randn(5, 2, 3, 3)
    for mode in (True, False):
        expected = x * affine.weight[:, None, None] + affine.bias[:, None, None]
        torch.testing.assert_close(affine.train(mode)(x), expected)
    assert affine.running_mean.tolist() == [0.0, 0.0]


def test_off_keeps_what_a_norm_does_besides():
    network = nn.Sequential(BatchNormAct2d(3), nn.BatchNorm1d(3, affine=False))
    BatchNorm("off").install(network, KeyedDraws(0))
    x = torch.randn(4, 3, 2, 2)
    torch.testing.assert_close(network[0](x), torch.relu(x))
    assert torch.equal(network[1](x[..., 0, 0]), x[..., 0, 0])


@pytest.mark.parametrize(("architecture", "part"), [(MLP(4, 1), BatchNorm()), (SmallCNN(2, 1), BatchNorm("off"))])
def test_statistics_of_members_are_rows_of_the_population(architecture, part):
    population = Population(architecture, PictureShape(1, 4, 2), [0, 1], techniques=[[part], [part]])
    before = population.buffers.clone()
    assert before.shape[1] == (8 if part.state == "on" else 4)
    population.networks[1].train()(torch.rand(6, 1, 4, 4))
    assert torch.equal(population.buffers[0], before[0])
    assert torch.equal(population.buffers[1], before[1]) == (part.state == "off")
    kinds = {slot.name: slot.kind for slot in population.layout.slots}
    assert kinds["2.weight" if part.state == "on" else "1.1.weight"] == ("weight" if part.state == "on" else "norm")


def test_reestimated_statistics_are_pytorchs_for_batches_of_one_size():
    torch.manual_seed(0)
    ours, theirs = (SmallCNN(width=2, depth=2).build(1, 16, 3).double() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    batches = [torch.rand(4, 1, 16, 16).double() for _ in range(3)]
    for network in (ours, theirs):
        network(torch.rand(3, 1, 16, 16).double())
    ours.eval()
    reestimate(ours, batches)
    update_bn(batches, theirs)
    assert not any(module.training for module in ours.modules())
    for (name, one), other in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        if one.is_floating_point():
            torch.testing.assert_close(one, other, rtol=0, atol=1e-12, msg=name)
    assert ours[1][2].momentum == 0.1


def test_reestimated_statistics_weigh_batches_by_their_pictures():
    norm = nn.BatchNorm2d(2).double()
    x = torch.randn(7, 2, 3, 3).double()
    reestimate(norm, x.split([4, 3]))
    torch.testing.assert_close(norm.running_mean, x.mean((0, 2, 3)), rtol=0, atol=1e-12)
    variances = [part.var((0, 2, 3)) for part in x.split([4, 3])]
    torch.testing.assert_close(norm.running_var, (4 * variances[0] + 3 * variances[1]) / 7, rtol=0, atol=1e-12)
    assert norm.training


def test_reestimation_leaves_dropout_and_parameters_alone():
    network = nn.Sequential(nn.Dropout(0.9), NormalisedLinear(nn.Linear(3, 2)))
    before = [parameter.clone() for parameter in network.parameters()]
    x = torch.randn(20, 3)
    reestimate(network, [x])
    torch.testing.assert_close(network[1].norm.running_mean, (x @ network[1].weight.T).mean(0))
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), before, strict=True))
    assert network[0].training


@pytest.mark.parametrize(("architecture", "part"), [(MLP(4, 1), BatchNorm()), (SmallCNN(2, 1), BatchNorm("off"))])
def test_an_exported_network_answers_alike(architecture, part):
    network = architecture.build(1, 6, 3)
    part.install(network, KeyedDraws(0))
    network.train()(torch.rand(8, 1, 6, 6))
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(network.eval(), (torch.rand(3, 1, 6, 6),), dynamic_shapes=dynamic).module()
    x = torch.rand(5, 1, 6, 6)
    torch.testing.assert_close(exported(x), network(x))
