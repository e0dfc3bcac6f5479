"""A factor on the rate of each parameter: the same as parameter groups of `torch.optim`, and nothing where it is 1."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.interfaces import Penalty, Rule
from ravine.optim.adamw import AdamW
from ravine.optim.nesterov import Nesterov
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.sgd import SGD
from ravine.penalties.decoupled_decay import DecoupledDecay
from ravine.penalties.l1 import L1
from ravine.penalties.l2 import L2
from ravine.schedules.constant import Constant
from ravine.train import kernel
from ravine.train.step import Stepper

LAYOUT = Layout.of([("early", (3, 5), "weight"), ("norm", (3,), "norm"), ("head", (2, 3), "weight")])
FACTORS = (0.25, 0.5, 1.0)
RATES = torch.cat([torch.full((slot.size,), factor) for slot, factor in zip(LAYOUT.slots, FACTORS, strict=True)])


def _noise(seed: int, members: int = 2) -> Tensor:
    return torch.randn(members, LAYOUT.size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _ours(
    rule: Rule, penalties: Sequence[Penalty] = (), rates: Tensor | None = RATES, compiled: bool = False
) -> Tensor:
    theta, gradient = _noise(0), _noise(0)
    stepper = Stepper(rule, Constant(), penalties, LAYOUT, theta, gradient, 4, compiled, rates)
    for step in range(4):
        gradient.copy_(_noise(1 + step))
        stepper.step()
    return theta


def _groups(kind: type[torch.optim.Optimizer], lr: float, decay: float, **choices: object) -> Tensor:
    """Each slot as a group of its own; norms do not decay."""
    rows = []
    for row in _noise(0):
        leaves = [value[0].clone().requires_grad_() for value in LAYOUT.split(row[None]).values()]
        kinds = [slot.kind for slot in LAYOUT.slots]
        groups = [
            {"params": [leaf], "lr": lr * factor, "weight_decay": decay if kind_ == "weight" else 0.0}
            for leaf, factor, kind_ in zip(leaves, FACTORS, kinds, strict=True)
        ]
        optimizer = kind(groups, **choices)
        for step in range(4):
            for leaf, slope in zip(leaves, LAYOUT.split(_noise(1 + step)[len(rows)][None]).values(), strict=True):
                leaf.grad = slope[0].clone()
            optimizer.step()
        rows.append(torch.cat([leaf.detach().flatten() for leaf in leaves]))
    return torch.stack(rows)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda: _ours(AdamW(lr=0.01, weight_decay=0.1)),
            lambda: _groups(torch.optim.AdamW, 0.01, 0.1),
        ),
        (
            lambda: _ours(Nesterov(lr=0.01, momentum=0.9), [L2(0.1)]),
            lambda: _groups(torch.optim.SGD, 0.01, 0.1, momentum=0.9, nesterov=True),
        ),
        (
            lambda: _ours(AdamW(lr=0.01, weight_decay=0.0), [DecoupledDecay(0.1)]),
            lambda: _groups(torch.optim.AdamW, 0.01, 0.1),
        ),
    ],
)
def test_it_is_what_parameter_groups_do(ours, theirs) -> None:
    assert torch.allclose(ours(), theirs(), rtol=1e-12, atol=1e-12)


def test_a_proximal_step_is_shorter_by_the_same_factor() -> None:
    theta, gradient = torch.ones(1, LAYOUT.size), torch.zeros(1, LAYOUT.size)
    Stepper(SGD(lr=0.1), Constant(), [L1(1.0)], LAYOUT, theta, gradient, 1, False, RATES).step()
    moved = {name: 1 - float(value.mean()) for name, value in LAYOUT.split(theta).items()}
    assert moved == pytest.approx({"early": 0.025, "norm": 0.0, "head": 0.1}, abs=1e-6)


@pytest.mark.parametrize("rule", [AdamW(lr=0.01), Nesterov(lr=0.01)])
def test_a_factor_of_one_changes_no_bit(rule: Rule) -> None:
    assert torch.equal(_ours(rule, [L2(0.1)], torch.ones(LAYOUT.size)), _ours(rule, [L2(0.1)], None))


def test_chunks_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _ours(AdamW(lr=0.01))
    monkeypatch.setattr(kernel, "CHUNK", 4)
    assert torch.equal(_ours(AdamW(lr=0.01)), whole)


def test_the_compiled_update_has_the_same_rates() -> None:
    assert torch.allclose(_ours(AdamW(lr=0.01), compiled=True), _ours(AdamW(lr=0.01)), rtol=1e-12, atol=1e-12)


def test_a_rule_that_averages_weights_has_one_rate() -> None:
    with pytest.raises(PlanError, match="ScheduleFree ties the weights that it trains to an average"):
        _ours(ScheduleFree())
