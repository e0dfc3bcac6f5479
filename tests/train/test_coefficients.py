"""Columns computed many steps ahead are those of each step by itself."""

import pytest
import torch
from torch import Tensor

from ravine.base.layout import Layout
from ravine.interfaces import Columns, Rule
from ravine.optim.adam import Adam
from ravine.optim.momentum import Momentum
from ravine.optim.nadam import NAdam
from ravine.penalties.l2 import L2
from ravine.schedules.one_cycle import OneCycle
from ravine.train.coefficients import AHEAD, Coefficients
from ravine.train.update import Update

MEMBERS, TOTAL = 3, 200


def _coefficients(rule: Rule) -> Coefficients:
    like = torch.zeros(MEMBERS, 4, dtype=torch.float64)
    total = torch.full((1, 1), TOTAL, dtype=torch.float64)
    return Coefficients(Update(rule, (L2(0.1),), Layout.flat(4)), OneCycle(), like, total)


def _walked(coefficients: Coefficients, steps: Tensor, count: int) -> list[Tensor]:
    walked = []
    for t in range(count):
        walked.append(coefficients.of_step(steps + t, None).clone())
        coefficients.advance(None)
    return walked


@pytest.mark.parametrize("rule", [Adam(lr=(0.1, 0.2, 0.3)), Momentum(dampening=0.3)], ids=["Adam", "Momentum"])
def test_equal_the_formula_at_every_step(rule: Rule) -> None:
    steps = torch.tensor([0, 5, 9])
    coefficients = _coefficients(rule)
    walked = _walked(coefficients, steps, AHEAD + 10)
    for t, packed in enumerate(walked):
        before = (steps + t).to(torch.float64)[:, None]
        lr = rule.columns(MEMBERS).lr * OneCycle().factor(OneCycle().columns(3), before, torch.full_like(before, TOTAL))
        h = Columns({**rule.columns(MEMBERS), "lr": lr, "peak": rule.columns(MEMBERS).lr})
        expected = {f"rule.{name}": value for name, value in rule.coefficients(h, before + 1).items()}
        for index, name in enumerate(coefficients.names):
            if name in expected:
                assert torch.allclose(packed[:, index : index + 1], expected[name], rtol=1e-14, atol=0), name


@pytest.mark.parametrize("rule", [Adam(), NAdam()], ids=["Adam", "NAdam"])
def test_bits_do_not_depend_on_where_the_computation_began(rule: Rule) -> None:
    straight = _walked(_coefficients(rule), torch.zeros(3, dtype=torch.int64), AHEAD + 10)
    for begin in (1, 17, AHEAD - 1):
        resumed = _coefficients(rule)
        for name, value in _running_after(rule, begin).items():
            resumed.running[name].copy_(value)
        later = _walked(resumed, torch.full((3,), begin), AHEAD + 10 - begin)
        assert all(torch.equal(one, two) for one, two in zip(straight[begin:], later, strict=True))


def _running_after(rule: Rule, steps: int) -> dict[str, Tensor]:
    coefficients = _coefficients(rule)
    _walked(coefficients, torch.zeros(3, dtype=torch.int64), steps)
    return coefficients.running


def test_a_finished_member_holds_its_running_scalars() -> None:
    coefficients = _coefficients(NAdam())
    active = torch.tensor([True, False, True])[:, None]
    coefficients.of_step(torch.zeros(3, dtype=torch.int64), active)
    coefficients.advance(active)
    assert coefficients.running["product"][1].item() == 1.0
    assert coefficients.running["product"][0].item() < 1.0


def test_a_member_that_was_passed_over_gets_the_columns_of_its_own_step() -> None:
    coefficients, steps = _coefficients(Adam()), torch.zeros(3, dtype=torch.int64)
    straight = _walked(_coefficients(Adam()), steps, 4)
    for mask in ([True, True, False], [True, True, True], [True, False, True]):
        active = torch.tensor(mask)
        packed = coefficients.of_step(steps, active[:, None])
        for member in active.nonzero()[:, 0].tolist():
            assert torch.equal(packed[member], straight[steps[member]][member])
        coefficients.advance(active[:, None])
        steps = steps + active


def test_a_changed_hyperparameter_counts_after_forgetting() -> None:
    coefficients, steps = _coefficients(Adam()), torch.zeros(3, dtype=torch.int64)
    before = coefficients.of_step(steps, None).clone()
    coefficients.hyperparameters.lr.mul_(2)
    coefficients.forget()
    at = coefficients.names.index("rule.lr")
    assert torch.allclose(coefficients.of_step(steps, None)[:, at], 2 * before[:, at])
