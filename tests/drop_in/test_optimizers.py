"""Ravine's optimizers against PyTorch's, on PyTorch's own terms."""

import copy
import pickle
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel

from ravine import drop_in
from ravine.base.errors import PlanError

SLOW = {"foreach": False, "fused": False}
CASES = [
    ("SGD", {"lr": 0.05}, SLOW, 1e-12),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}, SLOW, 1e-12),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "maximize": True}, SLOW, 1e-12),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.2, "weight_decay": 0.01}, SLOW, 1e-12),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "weight_decay": 0.01}, {"foreach": False}, 1e-12),
    ("RMSprop", {"lr": 0.01, "momentum": 0.8, "centered": True}, {"foreach": False}, 1e-12),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.01}, SLOW, 1e-12),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}, SLOW, 1e-12),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.01}, {"foreach": False}, 1e-9),
]
NAMES = ["SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "NAdam", "Lion", "Muon"]


def network(seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(3 * 16, 4)).to(dtype)


def data(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(5, 2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=dtype)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, scheduler: object = None) -> None:
    x = data(next(model.parameters()).dtype)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()


@torch.no_grad()
def loss_of(model: nn.Module) -> float:
    return float((model(data()) ** 2).mean())


def follow(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 200) -> None:
    """Steps along given gradients, so that rounding is not amplified by the network."""
    generator = torch.Generator().manual_seed(2)
    for _ in range(steps):
        for p in model.parameters():
            p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype)
        optimizer.step()


def same(a: nn.Module, b: nn.Module, tolerance: float) -> bool:
    return all(
        torch.allclose(p, q, rtol=0, atol=tolerance) for p, q in zip(a.parameters(), b.parameters(), strict=True)
    )


@pytest.mark.parametrize(("name", "options", "slow", "tolerance"), CASES)
def test_equals_torch_over_200_steps(name, options, slow, tolerance):
    ours, theirs = network(), network()
    follow(ours, getattr(drop_in, name)(ours.parameters(), **options))
    follow(theirs, getattr(torch.optim, name)(theirs.parameters(), **options, **slow))
    assert same(ours, theirs, tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_descends(name):
    model = network()
    optimizer = getattr(drop_in, name)(model.parameters(), lr=0.002)
    before = loss_of(model)
    train(model, optimizer, 60)
    assert loss_of(model) < before


def test_groups_have_their_own_numbers():
    ours, theirs = network(), network()
    for model, make in ((ours, drop_in.Adam), (theirs, torch.optim.Adam)):
        groups = [
            {"params": model[0].parameters(), "lr": 0.03, "weight_decay": 0.1},
            {"params": model[3].parameters(), "betas": (0.5, 0.9)},
        ]
        train(model, make(groups, lr=0.01), 30)
    assert same(ours, theirs, 1e-12)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda o: lr_scheduler.LambdaLR(o, lambda t: t / 10),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 20),
        lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=41),
    ],
    ids=["from_zero", "cosine", "one_cycle"],
)
@pytest.mark.parametrize(("name", "options"), [("SGD", {"lr": 0.05, "momentum": 0.9}), ("Adam", {"lr": 0.05})])
def test_schedulers_of_torch_work_on_top(schedule, name, options):
    ours, theirs = network(), network()
    for model, room in ((ours, drop_in), (theirs, torch.optim)):
        optimizer = getattr(room, name)(model.parameters(), **options)
        train(model, optimizer, 40, schedule(optimizer))
    assert same(ours, theirs, 1e-12)


def test_reduce_on_plateau_and_averaged_models_work_on_top():
    model = network()
    optimizer = drop_in.SGD(model.parameters(), lr=0.1)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    averaged = AveragedModel(model)
    for _ in range(3):
        train(model, optimizer, 1)
        averaged.update_parameters(model)
        plateau.step(1.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.001)
    assert int(averaged.n_averaged) == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", ["state_dict", "pickle", "deepcopy"])
def test_a_saved_optimizer_goes_on_where_it_was(name, way):
    make = getattr(drop_in, name)
    whole = network()
    train(whole, make(whole.parameters(), lr=0.01), 20)
    model = network()
    optimizer = make(model.parameters(), lr=0.01)
    train(model, optimizer, 10)
    if way == "state_dict":
        again = network(seed=1)
        again.load_state_dict(model.state_dict())
        other = make(again.parameters(), lr=0.5)
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    else:
        pair = (
            copy.deepcopy((model, optimizer)) if way == "deepcopy" else pickle.loads(pickle.dumps((model, optimizer)))
        )
        again, other = pair
    train(again, other, 10)
    assert same(again, whole, 0.0)


def test_float32_state_keeps_double_precision_scalars():
    model = network(dtype=torch.float32)
    optimizer = drop_in.NAdam(model.parameters())
    train(model, optimizer, 3)
    other = drop_in.NAdam(model.parameters())
    other.load_state_dict(optimizer.state_dict())
    assert all(isinstance(state["running product"], float) for state in other.state.values())


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad", "AdamW"])
def test_strides_of_parameters_and_gradients_may_differ(name):
    start = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gradient = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wide = torch.zeros(4, 3, 5, 5, 2, dtype=torch.float64)
    found = []
    for room, layout in (
        (torch.optim, "plain"),
        (drop_in, "plain"),
        (drop_in, "last"),
        (drop_in, "crossed"),
        (drop_in, "view"),
    ):
        p = start.clone()
        if layout == "last":
            p = p.contiguous(memory_format=torch.channels_last)
        if layout == "view":
            p = wide[..., 0].copy_(start)
        p = nn.Parameter(p)
        p.grad = gradient.contiguous(memory_format=torch.channels_last) if layout == "crossed" else gradient.clone()
        options = SLOW if room is torch.optim else {}
        optimizer = getattr(room, name)([p], lr=0.1, **options)
        for _ in range(3):
            optimizer.step()
        found.append(p.detach().contiguous())
    assert all(torch.allclose(one, found[0], rtol=0, atol=1e-13) for one in found)
    assert not wide[..., 1].any()


def test_muon_takes_convolution_weights():
    weight = nn.Parameter(torch.randn(6, 3, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    weight.grad = torch.randn(6, 3, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    before = weight.detach().clone()
    drop_in.Muon([weight], lr=0.1, weight_decay=0.0).step()
    singular = torch.linalg.svdvals((before - weight.detach()).reshape(6, 27) / 0.1)
    assert singular.min() > 0.5
    assert singular.max() < 1.3


def test_parameters_without_a_gradient_stay():
    model = network()
    before = model[0].weight.detach().clone()
    optimizer = drop_in.Adam(model.parameters())
    model[3].weight.grad = torch.ones_like(model[3].weight)
    optimizer.step()
    assert torch.equal(model[0].weight, before)
    assert set(optimizer.state) == {model[3].weight}


def test_closures_and_hooks():
    model, seen = network(), []
    optimizer = drop_in.SGD(model.parameters(), lr=0.1)
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (model(data()) ** 2).mean()
        loss.backward()
        seen.append("closure")
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() > 0
    assert seen == ["before", "closure", "after"]


def test_what_cannot_be_is_an_error():
    p = [nn.Parameter(torch.ones(2))]
    with pytest.raises(PlanError, match="has no counterpart"):
        drop_in.Adam(p, amsgrad=True)
    with pytest.raises(PlanError, match="outside its range"):
        drop_in.Adam(p, betas=(1.0, 0.9))
    with pytest.raises(PlanError, match="is negative"):
        drop_in.SGD(p, weight_decay=-1)
    with pytest.raises(PlanError, match=r"lr = -0\.1 is negative"):
        drop_in.Adam(p, lr=-0.1)
    with pytest.raises(PlanError, match="has no counterpart"):
        drop_in.Adam([{"params": p, "amsgrad": True}])
    with pytest.raises(PlanError, match="line search"):
        drop_in.LBFGS(p, lr=0.1)
    with pytest.raises(PlanError, match="Leave them at their defaults"):
        drop_in.Muon(p, eps=1e-3)
    embedding = nn.Embedding(3, 2, sparse=True)
    embedding(torch.tensor([0])).sum().backward()
    with pytest.raises(PlanError, match="is sparse"):
        drop_in.SGD(embedding.parameters()).step()
    with pytest.raises(PlanError, match="is sparse"):
        drop_in.LBFGS(embedding.parameters()).step(lambda: torch.tensor(1.0))


def test_importing_it_is_light():
    script = "import sys, ravine.drop_in\nprint([m for m in ('timm', 'sklearn', 'plotly') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
