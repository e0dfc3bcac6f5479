"""What holds for every rule, schedule and penalty, found by walking the packages."""

import dataclasses
import typing
from typing import Any, Literal

import pytest
import torch
from torch import Tensor
from vocabulary import EVERYTHING, PENALTIES, RULES, SCHEDULES

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.base.ranges import Range
from ravine.interfaces import Penalty, Rule, Schedule, merge
from ravine.optim.sgd import SGD
from ravine.schedules.constant import Constant
from ravine.train.step import Stepper

LAYOUT = Layout.of([("weight", (4, 3), "weight"), ("bias", (4,), "bias"), ("head", (2, 4), "weight")])
MEMBERS, STEPS = 5, 60
START = torch.randn(MEMBERS, LAYOUT.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CURVATURE = 0.5 + torch.rand(LAYOUT.size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Run:
    """A population on the quadratic ½·Σ a·θ²."""

    def __init__(
        self, rule: Rule, schedule: Schedule, penalties: list[Penalty], rows: slice = slice(None), steps: int = STEPS
    ) -> None:
        self.theta = START[rows].clone()
        self.gradient = torch.empty_like(self.theta)
        self.rule, self.remaining = rule, steps
        self.stepper = Stepper(
            rule, schedule, penalties, LAYOUT, self.theta, self.gradient, total_steps=STEPS, compiled=False
        )

    def go(self, steps: int = STEPS) -> "Run":
        """Take steps."""
        for _ in range(steps):
            self.gradient.copy_(CURVATURE * self.theta)
            if self.rule.needs_probe:
                self.stepper.probe()
                self.gradient.copy_(CURVATURE * self.theta)
            self.stepper.step()
        return self

    def loss(self) -> Tensor:
        """The quadratic where the members are evaluated, [K]."""
        return 0.5 * (CURVATURE * self.stepper.evaluated() ** 2).sum(1)


def _chosen(cls: type) -> tuple[Rule, Schedule, list[Penalty]]:
    """A plan around one entry, with defaults for all else; rates large enough to see something in few steps."""
    if issubclass(cls, Rule):
        return (cls(lr=0.05) if "lr" in _names(cls) else cls()), Constant(), []
    if issubclass(cls, Schedule):
        return SGD(lr=0.1), cls(), []
    return SGD(lr=0.1), Constant(), [cls()]


def _names(cls: type) -> set[str]:
    return {field.name for field in dataclasses.fields(cls)}


def test_something_is_found() -> None:
    assert (len(RULES), len(SCHEDULES), len(PENALTIES)) >= (12, 11, 4)


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_descends_a_quadratic(cls: type) -> None:
    run = Run(*_chosen(cls))
    before = run.loss()
    assert (run.go().loss() < before).all()


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_a_member_is_the_same_alone(cls: type) -> None:
    together = Run(*_chosen(cls)).go()
    for member in range(MEMBERS):
        alone = Run(*_chosen(cls), rows=slice(member, member + 1)).go()
        assert torch.allclose(alone.theta[0], together.theta[member], rtol=0, atol=1e-13)


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_goes_on_from_a_saved_state_bit_by_bit(cls: type) -> None:
    straight = Run(*_chosen(cls)).go()
    first = Run(*_chosen(cls)).go(23)
    saved = {name: value.clone() for name, value in first.stepper.state_dict().items()}
    second = Run(*_chosen(cls))
    second.theta.copy_(first.theta)
    second.stepper.load_state_dict(saved)
    assert torch.equal(second.go(STEPS - 23).theta, straight.theta)
    assert second.stepper.steps.tolist() == [STEPS] * MEMBERS


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_docstring_has_formula_source_and_every_field(cls: type) -> None:
    text = cls.__doc__ or ""
    assert any(sign in text for sign in ("←", "f(t) =")), "no formula"
    assert "Source: " in text
    own = {field.name for field in dataclasses.fields(cls) if not field.kw_only}
    assert all(f"    {name}: " in text for name in own), own


def _ranged() -> list[tuple[type, str, Range]]:
    ranged = []
    for cls in EVERYTHING:
        for name, hint in typing.get_type_hints(cls, include_extras=True).items():
            ranged += [(cls, name, extra) for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Range)]
    return ranged


@pytest.mark.parametrize(("cls", "name", "allowed"), _ranged(), ids=lambda value: getattr(value, "__name__", None))
def test_a_value_out_of_range_is_an_error_that_names_it_and_the_range(cls: type, name: str, allowed: Range) -> None:
    wrong: list[Any] = [float("nan"), (0.5, -1.0), allowed.low - 1]
    wrong += [allowed.low] if allowed.low_open else []
    wrong += [allowed.high] if allowed.high_open else []
    for value in wrong:
        with pytest.raises(PlanError) as error:
            cls(**{name: value})
        assert f"{cls.__name__}.{name} = " in str(error.value)
        assert str(allowed) in str(error.value)


def _words() -> list[tuple[type, str]]:
    hints = {cls: typing.get_type_hints(cls) for cls in EVERYTHING}
    return [(cls, name) for cls in hints for name in _names(cls) if typing.get_origin(hints[cls][name]) is Literal]


@pytest.mark.parametrize(("cls", "name"), _words(), ids=lambda value: getattr(value, "__name__", value))
def test_an_unknown_word_is_an_error_that_names_the_allowed_ones(cls: type, name: str) -> None:
    with pytest.raises(PlanError, match=f"{cls.__name__}.{name} = 'sideways' is not allowed. Choose one of"):
        cls(**{name: "sideways"})


@pytest.mark.parametrize("cls", [cls for cls in RULES if "lr" in _names(cls)], ids=lambda cls: cls.__name__)
def test_members_with_different_rates_merge_into_one_rule(cls: type) -> None:
    rates = (0.01, 0.02, 0.03, 0.04, 0.05)
    merged = Run(merge([cls(lr=rate) for rate in rates]), Constant(), []).go()
    for member, rate in enumerate(rates):
        alone = Run(cls(lr=rate), Constant(), [], rows=slice(member, member + 1)).go()
        assert torch.allclose(alone.theta[0], merged.theta[member], rtol=0, atol=1e-13)
