"""The step: isolation of members, memory layouts, the decision to compile, and the compiled kernel."""

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from vocabulary import RULES

from ravine.base.errors import TrainingError
from ravine.base.layout import Layout
from ravine.interfaces import Penalty, Rule
from ravine.optim.adam import Adam
from ravine.optim.adamw import AdamW
from ravine.optim.nadam import NAdam
from ravine.optim.sgd import SGD
from ravine.penalties.elastic_net import ElasticNet
from ravine.penalties.l2 import L2
from ravine.schedules.constant import Constant
from ravine.schedules.cosine import Cosine
from ravine.train import kernel
from ravine.train.step import Stepper

LAYOUT = Layout.of([("weight", (3, 5), "weight"), ("bias", (3,), "bias"), ("head", (2, 3), "weight")])
PENALTIES = [L2(0.01), ElasticNet(0.01, 0.01)]


def _noise(members: int, seed: int, size: int = LAYOUT.size) -> Tensor:
    return torch.randn(members, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _steps(
    rule: Rule,
    gradients: Sequence[Tensor],
    active: Sequence[Tensor | None],
    penalties: Sequence[Penalty] = (),
    compiled: bool | None = False,
) -> tuple[Tensor, Stepper]:
    """Parameters and stepper after one step a gradient."""
    theta, gradient = _noise(len(gradients[0]), 99), torch.empty_like(gradients[0])
    stepper = Stepper(rule, Cosine(), penalties, LAYOUT, theta, gradient, len(gradients), compiled)
    for g, mask in zip(gradients, active, strict=True):
        gradient.copy_(g)
        stepper.step(mask)
    return theta, stepper


def _replace_compile(monkeypatch: pytest.MonkeyPatch, stand_in: Callable[[Any], Any]) -> None:
    def stand_in_for_compile(function: Any, **options: Any) -> Any:
        return stand_in(function)

    monkeypatch.setattr(torch, "compile", stand_in_for_compile)


def _everything(theta: Tensor, stepper: Stepper) -> dict[str, Tensor]:
    return {"theta": theta, **stepper.state_dict()}


@settings(max_examples=40)
@given(
    cls=st.sampled_from(RULES),
    members=st.integers(2, 6),
    stopped=st.integers(0, 6),
    penalized=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_what_one_member_does_leaves_the_others_bit_identical(
    cls: type[Rule], members: int, stopped: int, penalized: bool, seed: int
) -> None:
    """The first member has another gradient, not even a number, and is stopped at some step."""
    penalties = [L2(0.01)] if penalized else []
    gradients = [_noise(members, seed + t) for t in range(6)]
    plain, one = _steps(cls(), gradients, [None] * 6, penalties)
    changed = [g.clone() for g in gradients]
    for t, g in enumerate(changed):
        g[0] = float("nan") if t >= stopped else 3 * g[0]
    masks = [torch.arange(members) >= (1 if t >= stopped else 0) for t in range(6)]
    other, two = _steps(cls(), changed, masks, penalties)
    for name, value in _everything(plain, one).items():
        assert torch.equal(value[1:], _everything(other, two)[name][1:]), name
    assert other.isfinite().all()


@settings(max_examples=30)
@given(cls=st.sampled_from(RULES), stopped=st.integers(0, 6))
def test_a_finished_member_keeps_parameters_state_and_step_count(cls: type[Rule], stopped: int) -> None:
    gradients = [_noise(3, t) for t in range(6)]
    masks: list[Tensor | None] = [torch.tensor([t < stopped, True, True]) for t in range(6)]
    theta, stepper = _steps(cls(), gradients, masks, [L2(0.01)])
    half_theta, half = _noise(3, 99), torch.empty(3, LAYOUT.size, dtype=torch.float64)
    until = Stepper(cls(), Cosine(), [L2(0.01)], LAYOUT, half_theta, half, 6, False)
    for g in gradients[:stopped]:
        half.copy_(g)
        until.step()
    for name, value in _everything(theta, stepper).items():
        assert torch.equal(value[0], _everything(half_theta, until)[name][0]), name
    assert stepper.steps.tolist() == [stopped, 6, 6]


def test_a_gradient_with_other_strides_than_the_parameters_gives_the_right_step() -> None:
    """The slab has the parameters' strides, whatever a backward pass delivers; torch's fused kernels do not look."""
    layout = Layout.of([("weight", (4, 3, 5, 5), "weight")])
    theta = torch.randn(1, layout.size, dtype=torch.float64)
    slab = torch.zeros_like(theta)
    parameter = torch.nn.Parameter(theta.clone().view(4, 3, 5, 5))
    optimizer = torch.optim.Adam([parameter], foreach=False, fused=False)
    stepper = Stepper(Adam(), Constant(), [], layout, theta, slab, 3, False)
    for _ in range(3):
        gradient = torch.randn(4, 3, 5, 5, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
        layout.split(slab)["weight"][0].copy_(gradient)
        parameter.grad = gradient.clone(memory_format=torch.contiguous_format)
        stepper.step()
        optimizer.step()
    assert (layout.split(theta)["weight"][0] - parameter.detach()).abs().max() <= 1e-12


@pytest.mark.parametrize(
    "slab",
    [
        torch.zeros(LAYOUT.size, 2).T,
        torch.zeros(2, 2 * LAYOUT.size)[:, ::2],
        torch.zeros(2, LAYOUT.size + 1),
        torch.zeros(2, LAYOUT.size, dtype=torch.float64),
    ],
)
def test_slabs_that_do_not_lie_alike_are_refused(slab: Tensor) -> None:
    with pytest.raises(TrainingError, match="gradient has shape"):
        Stepper(SGD(), Constant(), [], LAYOUT, torch.zeros(2, LAYOUT.size), slab, 1)


def test_chunks_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = [_noise(3, t) for t in range(4)]
    results = []
    for chunk in (1_000_000, 48, 7):
        monkeypatch.setattr(kernel, "CHUNK", chunk)
        results.append(_steps(AdamW(), gradients, [None] * 4, PENALTIES)[0])
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_the_scheduled_rate_is_that_of_the_next_step() -> None:
    _, stepper = _steps(SGD(lr=(0.1, 0.2)), [_noise(2, 0)] * 4, [None, None, torch.tensor([True, False]), None])
    assert stepper.learning_rate().tolist() == pytest.approx([0.0, 0.2 * 0.5 * (1 - 2**-0.5)], abs=1e-15)


def test_a_state_of_another_rule_is_refused() -> None:
    _, adam = _steps(Adam(), [_noise(2, 0)], [None])
    _, sgd = _steps(SGD(), [_noise(2, 0)], [None])
    with pytest.raises(TrainingError, match=r"The saved state has .*'state.m'.* but SGD keeps \['steps'\]"):
        sgd.load_state_dict(adam.state_dict())


@pytest.mark.parametrize(("cost", "compiled"), [(0.0, True), (1e9, False)])
def test_compiling_is_decided_once_by_what_it_saves(
    monkeypatch: pytest.MonkeyPatch, cost: float, compiled: bool
) -> None:
    monkeypatch.setattr(kernel, "COMPILE_SECONDS", cost)
    _replace_compile(monkeypatch, lambda function: function)
    _, undecided = _steps(Adam(), [_noise(2, 0)] * 4, [None] * 4, compiled=None)
    assert undecided.compiled is None
    _, decided = _steps(Adam(), [_noise(2, 0)] * 6, [None] * 6, compiled=None)
    assert decided.compiled is compiled


def test_without_a_compiler_it_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*arguments: Any) -> None:
        raise RuntimeError("No working C++ compiler found\nand much more")

    _replace_compile(monkeypatch, lambda _: fails)
    gradients = [_noise(2, t) for t in range(3)]
    with caplog.at_level(logging.WARNING):
        theta, stepper = _steps(Adam(), gradients, [None] * 3, compiled=True)
    assert stepper.compiled is False
    assert [record.getMessage() for record in caplog.records] == [
        "The update cannot be compiled here (No working C++ compiler found). It runs uncompiled, which is slower."
    ]
    assert torch.equal(theta, _steps(Adam(), gradients, [None] * 3)[0])


def test_many_populations_are_captured_without_one_recompilation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captured by torch.compile, not translated, so that it is fast: rate, step and mask move in every population."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    with torch._dynamo.config.patch(error_on_recompile=True):
        for members in range(1, 13):
            gradients = [_noise(members, t) for t in range(8)]
            masks = [None, *[torch.arange(members) <= t for t in range(7)]]
            theta, stepper = _steps(NAdam(), gradients, masks, PENALTIES, compiled=True)
            assert stepper.compiled
            assert torch.equal(theta, _steps(NAdam(), gradients, masks, PENALTIES)[0])


def test_the_compiled_kernel_equals_the_uncompiled_update() -> None:
    gradients = [_noise(3, t) for t in range(5)]
    masks = [None, None, *[torch.tensor([True, False, True])] * 3]
    rule = AdamW(lr=(0.01, 0.02, 0.03), weight_decay=0.1)
    theta, stepper = _steps(rule, gradients, masks, PENALTIES, compiled=True)
    if not stepper.compiled:
        pytest.skip("no C++ compiler")
    reference, other = _steps(rule, gradients, masks, PENALTIES)
    for name, value in _everything(theta, stepper).items():
        assert torch.allclose(value, _everything(reference, other)[name], rtol=0, atol=1e-15), name


def test_changed_hyperparameters_count_from_the_next_step_on() -> None:
    theta, gradient = torch.zeros(2, LAYOUT.size), torch.ones(2, LAYOUT.size)
    stepper = Stepper(SGD(lr=1.0), Constant(), [], LAYOUT, theta, gradient, 10, False)
    stepper.step()
    stepper.change(lr=torch.tensor([[0.5], [0.25]]))
    stepper.step()
    assert theta[:, 0].tolist() == [-1.5, -1.25]
    assert stepper.learning_rate().tolist() == [0.5, 0.25]
