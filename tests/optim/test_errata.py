"""What is wrong in formulas as often printed, each beside the right one (docs/lecture.md, errata)."""

from pathlib import Path

import torch
from torch import Tensor

from ravine.optim import minimize
from ravine.optim.adam import Adam
from ravine.optim.momentum import Momentum

ALPHA, RHO, BETA, GAMMA = 0.1, 0.9, 0.9, 0.999
START = torch.tensor([1.0, -2.0], dtype=torch.float64)
ERRATA = (Path(__file__).parents[2] / "docs" / "lecture.md").read_text(encoding="utf-8").partition("## Errata")[2]


def value(x: Tensor) -> Tensor:
    return 0.5 * (x * x).sum()


def test_momentum_with_both_minus_signs_climbs():
    x, v = START.clone(), torch.zeros(2, dtype=torch.float64)
    values = [float(value(x))]
    for _ in range(10):
        v = RHO * v - ALPHA * x
        x = x - ALPHA * v
        values.append(float(value(x)))
    assert values == sorted(values)
    assert values[-1] > values[0]


def test_both_right_forms_of_momentum_descend_and_agree_at_a_constant_rate():
    found = [
        minimize(value, START, Momentum(lr=ALPHA, momentum=RHO, form=form), max_steps=200, gtol=0.0)
        for form in ("rate_outside", "rate_inside")
    ]
    assert torch.allclose(found[0].path, found[1].path, atol=1e-12)
    assert found[0].value < 1e-6


def test_adams_second_moment_with_a_minus_has_no_root():
    v = torch.zeros(2, dtype=torch.float64)
    v = GAMMA * v - (1 - GAMMA) * START
    assert v[0] < 0
    assert torch.isnan(v.sqrt()[0])


def test_adam_without_a_rate_moves_by_one_whatever_the_scale():
    for scale in (1e-3, 1.0, 1e3):
        gradient = scale * START
        m, v = (1 - BETA) * gradient / (1 - BETA), (1 - GAMMA) * gradient**2 / (1 - GAMMA)
        assert torch.allclose((m / (v.sqrt() + 1e-8)).abs(), torch.ones(2, dtype=torch.float64), atol=1e-4)


def test_adam_as_published_descends():
    assert minimize(value, START, Adam(lr=0.05), max_steps=300, gtol=0.0).value < 1e-3


def test_an_epsilon_under_the_root_acts_like_its_root_outside():
    size = 1e-6
    inside = minimize(lambda x: size * x.sum(), START, Adam(lr=1.0, epsilon="inside_root"), max_steps=1, gtol=0.0)
    outside = minimize(lambda x: size * x.sum(), START, Adam(lr=1.0, eps=1e-4), max_steps=1, gtol=0.0)
    assert torch.allclose(START - inside.x, START - outside.x, rtol=0.02)


def test_the_lecture_names_the_fields_that_choose_between_forms():
    for field in ("momentum.form", "adam.epsilon"):
        technique, _, name = field.partition(".")
        assert field in ERRATA
        assert name in {"momentum": Momentum, "adam": Adam}[technique].__dataclass_fields__
