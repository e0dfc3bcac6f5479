from itertools import product

import pytest
import torch
from torch import nn

from ravine.base.draws import KeyedDraws
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.moments import Block
from ravine.regularize.stochastic_depth import GatedBlock, StochasticDepth, StochasticDepthLayer, survival


class Scripted:
    """Draws that are written down beforehand."""

    def __init__(self, numbers):
        self.numbers = numbers

    def uniform(self, *asked):
        shape = asked[2]
        return torch.tensor(self.numbers.pop(0), dtype=torch.float32).reshape(shape)


class Counted(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module, self.calls = module, 0

    def forward(self, x):
        self.calls += 1
        return self.module(x)


def gated(p, mode, draws=None):
    branch = Counted(nn.Sequential(nn.Conv2d(3, 3, 1).double(), nn.BatchNorm2d(3).double()))
    return GatedBlock(Block(branch, nn.Identity()), StochasticDepthLayer(p, mode, draws))


def test_survival_falls_linearly_and_the_first_block_can_be_dropped():
    assert [survival(number, 5, 0.5) for number in range(1, 6)] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])
    network = Residual(width=2, blocks=2).build(1, 16, 2)
    assert StochasticDepth(p=0.4).install(network, KeyedDraws(0)) == 4
    gates = [module for module in network.modules() if isinstance(module, StochasticDepthLayer)]
    assert [gate.p for gate in gates] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [gate.layer for gate in gates] == [0, 1, 2, 3]


def test_a_closed_gate_skips_the_branch_and_its_batch_norm():
    block = gated(0.5, "batch", Scripted([[0.2], [0.7], [0.49], [0.5]]))
    x = torch.randn(4, 3, 2, 2).double().abs().requires_grad_()
    norm = block.branch.module[1]
    assert torch.equal(block(x), x)
    assert (block.branch.calls, norm.num_batches_tracked.item()) == (0, 0)
    torch.testing.assert_close(block(x), torch.relu(x + block.branch.module(x)))
    assert block.branch.calls == 1
    block(x)
    assert block.branch.calls == 1
    block(x).sum().backward()
    assert block.branch.calls == 2
    assert block.branch.module[0].weight.grad is not None


def test_the_share_of_branches_that_run():
    network = Residual(width=1, blocks=3).build(1, 8, 2)
    counted = []
    for block in network:
        if isinstance(block, Block):
            block.branch = Counted(block.branch)
            counted.append(block.branch)
    draws = KeyedDraws(0)
    StochasticDepth(p=0.6).install(network, draws)
    x = torch.rand(2, 1, 8, 8)
    for draws.step in range(400):
        network(x)
    assert [branch.calls / 400 for branch in counted] == pytest.approx([0.8, 0.6, 0.4], abs=0.06)


def test_a_gate_for_each_picture():
    block = gated(0.5, "sample", Scripted([[0.2, 0.7, 0.9]]))
    x = torch.randn(3, 3, 2, 2).double()
    y = block(x)
    block.branch.module[1].eval()
    assert block.branch.calls == 1
    assert torch.equal(y[0], torch.relu(x[0]))
    assert not torch.equal(y[1], torch.relu(x[1]))


@pytest.mark.parametrize("mode", ["batch", "sample"])
def test_the_test_pass_is_the_average_over_all_gates(mode):
    x, p = torch.randn(3, 2).double(), 0.3
    layer = StochasticDepthLayer(p, mode)
    average = torch.zeros_like(x)
    for bits in product([0, 1], repeat=1 if mode == "batch" else 3):
        layer.draws = Scripted([[0.3 + 0.1 if bit else 0.1 for bit in bits]])
        probability = torch.tensor([1 - p if bit else p for bit in bits]).double().prod()
        average += probability * layer.train()(x)
    torch.testing.assert_close(average, layer.eval()(x), rtol=0, atol=1e-7)
    torch.testing.assert_close(layer.eval()(x), (1 - p) * x)
    torch.testing.assert_close(layer.eval()(x, torch.square), (1 - p) * x**2)


def test_install_keeps_parameters_and_names():
    network = Residual(width=2, blocks=1).build(1, 16, 2)
    before = {name: id(parameter) for name, parameter in network.named_parameters()}
    state = network.state_dict()
    assert StochasticDepth().install(network, KeyedDraws(0)) == 2
    assert {name: id(parameter) for name, parameter in network.named_parameters()} == before
    network.load_state_dict(state)
    assert StochasticDepth().install(SmallCNN(width=2).build(1, 8, 2), KeyedDraws(0)) == 0


@pytest.mark.parametrize("mode", ["batch", "sample"])
def test_the_ends_of_p(mode):
    x = torch.randn(4, 3, 2, 2).double()
    never, always = gated(0.0, mode), gated(1.0, mode)
    torch.testing.assert_close(never(x), torch.relu(x + never.branch(x)))
    assert torch.equal(always(x), torch.relu(x))
    assert torch.equal(always.eval()(x), torch.relu(x))


@pytest.mark.parametrize("mode", ["batch", "sample"])
def test_keyed_gates_repeat_and_differ_by_step_layer_and_seed(mode):
    def gates(seed=3, layer=1, first=0):
        draws, found = KeyedDraws(seed), []
        module = StochasticDepthLayer(0.5, mode, draws, layer)
        for draws.step in range(first, first + 40):
            found += module(torch.ones(2, 1))[:, 0].tolist()
        return found

    assert gates() == gates()
    assert len({str(gates()), str(gates(seed=4)), str(gates(layer=2)), str(gates(first=1))}) == 4


@pytest.mark.parametrize("mode", ["batch", "sample"])
def test_an_exported_network_answers_alike(mode):
    network = Residual(width=2, blocks=1).build(1, 9, 3)
    StochasticDepth(mode=mode).install(network, KeyedDraws(0))
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(network.eval(), (torch.rand(3, 1, 9, 9),), dynamic_shapes=dynamic).module()
    x = torch.rand(5, 1, 9, 9)
    torch.testing.assert_close(exported(x), network(x))
