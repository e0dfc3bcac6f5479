"""Parameters that are unlike one another: sizes, ages, types, and what a state may hold."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ravine import drop_in
from ravine.base.errors import PlanError
from ravine.drop_in.pieces import CHUNK

SHAPES = [(7, 3), (CHUNK + 5,), (), (0, 4), (2, CHUNK), (11,)]
RULES = [
    ("SGD", {"momentum": 0.9, "dampening": 0.2}),
    ("Adagrad", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adam", {"weight_decay": 0.1}),
    ("AdamW", {}),
    ("NAdam", {}),
]


def parameters(dtype: torch.dtype = torch.float64) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)) for shape in SHAPES]


def follow(optimizer: torch.optim.Optimizer, steps: int, seed: int = 1, late: int = 2) -> list[Tensor]:
    """Steps along given gradients; at every third step, the first included, parameters from `late` on have none."""
    generator = torch.Generator().manual_seed(seed)
    of_optimizer = optimizer.param_groups[0]["params"]
    for t in range(steps):
        for index, p in enumerate(of_optimizer):
            gradient = torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.dtype)
            p.grad = None if index >= late and t % 3 == 0 else gradient
        optimizer.step()
    return [p.detach() for p in of_optimizer]


@pytest.mark.parametrize(("name", "options"), RULES)
def test_sizes_and_ages_of_parameters_may_differ(name, options):
    ours = follow(getattr(drop_in, name)(parameters(), lr=0.01, **options), 7)
    theirs = follow(getattr(torch.optim, name)(parameters(), lr=0.01, **options, foreach=False), 7)
    tolerance = 1e-9 if name == "NAdam" else 1e-12
    assert all(torch.allclose(p, q, rtol=0, atol=tolerance) for p, q in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", ["Lion", "Muon"])
def test_every_parameter_moves_as_it_does_alone(name):
    make = getattr(drop_in, name)
    together = follow(make(parameters(), lr=0.01), 5, late=9)
    for index, p in enumerate(parameters()):
        generator = torch.Generator().manual_seed(1)
        optimizer = make([p], lr=0.01)
        for _ in range(5):
            gradients = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]
            p.grad = gradients[index]
            optimizer.step()
        assert torch.allclose(p.detach(), together[index], rtol=0, atol=1e-14)


@pytest.mark.parametrize(("name", "options"), RULES)
def test_half_precision_is_computed_in_single_precision(name, options):
    rows = []
    for room, dtype in ((drop_in, torch.bfloat16), (torch.optim, torch.float64)):
        p = nn.Parameter(torch.ones(4, dtype=dtype))
        optimizer = getattr(room, name)([p], lr=0.05, **options)
        for _ in range(3):
            p.grad = torch.tensor([1.0, -0.5, 0.25, 2.0], dtype=dtype)
            optimizer.step()
        rows.append(p.detach().double())
    assert torch.allclose(rows[0], rows[1], rtol=0, atol=0.03)


@pytest.mark.parametrize(("name", "options"), RULES)
def test_a_state_follows_its_parameters_to_another_type(name, options):
    single = parameters(torch.float32)
    optimizer = getattr(drop_in, name)(single, **options)
    follow(optimizer, 4)
    double = [nn.Parameter(p.detach().double()) for p in single]
    moved = getattr(drop_in, name)(double, **options)
    moved.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    kinds = {value.dtype for own in moved.state.values() for value in own.values() if isinstance(value, Tensor)}
    assert kinds == {torch.float64}
    expected, found = follow(optimizer, 3, seed=2), follow(moved, 3, seed=2)
    assert all(torch.allclose(p.double(), q, rtol=1e-4, atol=1e-5) for p, q in zip(expected, found, strict=True))


def test_momentum_may_begin_later():
    rows = []
    for room in (drop_in, torch.optim):
        p = nn.Parameter(torch.ones(3, dtype=torch.float64))
        optimizer = room.SGD([p], lr=0.1)
        for t in range(5):
            optimizer.param_groups[0]["momentum"] = 0.9 if t > 1 else 0.0
            p.grad = p.detach() - 2
            optimizer.step()
        rows.append(p.detach())
    assert torch.allclose(rows[0], rows[1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_state_of_torchs_optimizer_is_an_error(name):
    p = nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    theirs = getattr(torch.optim, name)([p], **({"momentum": 0.9} if name == "SGD" else {}))
    theirs.step()
    ours = getattr(drop_in, name)([p])
    ours.load_state_dict(theirs.state_dict())
    with pytest.raises(PlanError, match=r"which is not what ravine\.drop_in"):
        ours.step()


@pytest.mark.parametrize("name", ["SGD", "Adam", "LBFGS"])
def test_complex_parameters_are_an_error(name):
    with pytest.raises(PlanError, match="is complex"):
        getattr(drop_in, name)([nn.Parameter(torch.ones(2, dtype=torch.complex64))])
