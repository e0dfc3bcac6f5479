import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.functional import fractional_max_pool2d as torch_fractional_max_pool2d

from ravine.base.errors import PlanError
from ravine.drop_in import DropConnectLinear, Dropout, FractionalMaxPool2d, StochasticDepth

MODULES = {
    "dropout": Dropout,
    "plain": lambda: Dropout(0.3, mode="plain"),
    "dropconnect": lambda: nn.Sequential(nn.Flatten(), DropConnectLinear(3 * 81, 5)),
    "pool": FractionalMaxPool2d,
    "random pool": lambda: FractionalMaxPool2d(2, 0.7, mode="random", kind="disjoint"),
    "depth": StochasticDepth,
    "sample depth": lambda: StochasticDepth(0.4, mode="sample"),
}


@pytest.fixture(params=MODULES)
def module(request):
    torch.manual_seed(0)
    return MODULES[request.param]()


def test_torchs_seed_makes_an_answer_repeat(module):
    x = torch.rand(8, 3, 9, 9)

    def answers():
        torch.manual_seed(3)
        return torch.stack([module(x) for _ in range(8)])

    first = answers()
    assert torch.equal(answers(), first)
    assert len(first.unique(dim=0)) > 1


def test_evaluation_is_deterministic_except_for_pooling(module):
    x = torch.rand(4, 3, 9, 9)
    module.eval()
    assert torch.equal(module(x), module(x)) != isinstance(module, FractionalMaxPool2d)


def test_modules_can_be_trained_copied_and_pickled(module):
    x = torch.rand(4, 3, 9, 9, requires_grad=True)
    loss = sum(module(x).sum() for _ in range(9))
    loss.backward()
    assert bool(x.grad.any())
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.manual_seed(1)
        expected = module(x)
        torch.manual_seed(1)
        assert torch.equal(twin(x), expected)


def test_inverted_dropout_is_pytorchs_at_test_and_in_expectation():
    x, ours, theirs = torch.ones(300, 300), Dropout(0.3), nn.Dropout(0.3)
    assert ours(x).mean().item() == pytest.approx(theirs(x).mean().item(), abs=0.02)
    assert sorted(ours(x).unique().tolist()) == pytest.approx(sorted(theirs(x).unique().tolist()))
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_dropconnect_loads_the_state_of_a_linear_layer():
    linear, ours = nn.Linear(6, 4), DropConnectLinear(6, 4, p=0.0)
    ours.load_state_dict(linear.state_dict())
    x = torch.randn(3, 6)
    for mode in (True, False):
        torch.testing.assert_close(ours.train(mode)(x), torch.relu(linear(x)))
    assert DropConnectLinear(6, 4, bias=False)(x).shape == (3, 4)


def test_dropconnects_evaluation_is_the_expected_activation():
    torch.manual_seed(0)
    layer, x = DropConnectLinear(128, 64, activation="tanh"), torch.rand(1, 128)
    sampled = layer(x.expand(3000, 128)).mean(0)
    torch.testing.assert_close(layer.eval()(x)[0], sampled, rtol=0, atol=0.03)


def test_pseudorandom_overlapping_pooling_is_pytorchs_for_the_same_samples():
    x, pool = torch.rand(5, 3, 20, 13), FractionalMaxPool2d(kernel_size=3, output_ratio=0.6)
    torch.manual_seed(0)
    ours = pool(x)
    torch.manual_seed(0)
    samples = torch.rand(5, 2).double()
    theirs = torch_fractional_max_pool2d(
        x.double(), 3, output_size=(12, 7), _random_samples=samples[:, None].expand(5, 3, 2)
    )
    assert torch.equal(ours, theirs.float())


@pytest.mark.parametrize("mode", ["pseudorandom", "random"])
@pytest.mark.parametrize("kind", ["overlapping", "disjoint"])
def test_pooling_gives_pytorchs_sizes(mode, kind):
    x = torch.rand(2, 3, 28, 17)
    theirs = nn.FractionalMaxPool2d(2, output_ratio=0.7)(x)
    assert FractionalMaxPool2d(2, 0.7, mode, kind)(x).shape == theirs.shape


def test_a_closed_gate_does_not_call_the_branch():
    calls = []

    def branch(x):
        calls.append(1)
        return x * 2

    depth, x = StochasticDepth(p=0.5), torch.ones(3, 2)
    torch.manual_seed(0)
    found = [(x + depth(x, branch)).mean().item() for _ in range(200)]
    assert set(found) == {1.0, 3.0}
    assert len(calls) == found.count(3.0)
    assert 70 < len(calls) < 130
    torch.testing.assert_close(x + depth.eval()(x, branch), x * 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dropout(1.5),
        lambda: Dropout(mode="reversed"),
        lambda: DropConnectLinear(3, 2, p=-0.1),
        lambda: DropConnectLinear(3, 2, activation="rely"),
        lambda: FractionalMaxPool2d(0),
        lambda: FractionalMaxPool2d(output_ratio=1.0),
        lambda: FractionalMaxPool2d(kind="joint"),
        lambda: FractionalMaxPool2d(2, output_ratio=0.3, kind="disjoint")(torch.rand(1, 1, 9, 9)),
        lambda: StochasticDepth(2),
        lambda: StochasticDepth(mode="row"),
    ],
)
def test_what_is_not_allowed(make):
    with pytest.raises(PlanError, match=r"[Cc]hoose|Did you mean"):
        make()


def test_modules_say_what_they_are():
    assert repr(Dropout()) == "Dropout(p=0.5, mode='inverted')"
    assert repr(FractionalMaxPool2d()) == (
        "FractionalMaxPool2d(kernel_size=2, output_ratio=0.707107, mode='pseudorandom', kind='overlapping')"
    )
    assert repr(StochasticDepth()) == "StochasticDepth(p=0.5, mode='batch')"
    assert repr(DropConnectLinear(3, 2)) == ("DropConnectLinear(3, 2, p=0.5, activation='relu', test='gaussian')")
