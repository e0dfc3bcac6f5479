"""BFGS, Newton, Newton–CG and Gauss–Newton against what theory promises."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.optim import minimize
from ravine.optim.second_order.bfgs import BFGS
from ravine.optim.second_order.conjugate_gradients import conjugate_gradients
from ravine.optim.second_order.curvature import Move
from ravine.optim.second_order.gauss_newton import GaussNewton
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.minimizer import Iterates
from ravine.optim.second_order.newton import Newton, hessians
from ravine.optim.second_order.newton_cg import NewtonCG
from ravine.optim.second_order.softmax_head import SoftmaxHeads


def definite(members: int, size: int, seed: int = 0) -> Tensor:
    """Positive definite matrices [members, size, size]."""
    root = torch.randn(members, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return root @ root.mT + 0.5 * torch.eye(size, dtype=torch.float64)


class Quadratics:
    """½ xᵀAx − bᵀx, one a member."""

    def __init__(self, members: int, size: int, seed: int = 0) -> None:
        self.a = definite(members, size, seed)
        self.b = torch.randn(members, size, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)

    def __call__(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        ax = torch.einsum("kij,kj->ki", self.a[rows], theta)
        return (0.5 * theta * ax - self.b[rows] * theta).sum(1), ax - self.b[rows]

    def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        del theta
        return torch.einsum("kij,kj->ki", self.a[rows], vectors)

    @property
    def solution(self) -> Tensor:
        return torch.linalg.solve(self.a, self.b)


def saddle(x: Tensor) -> Tensor:
    return (x[::2] ** 2).sum() - (x[1::2] ** 2).sum() + 0.25 * (x[1::2] ** 4).sum()


@settings(max_examples=15)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 1000))
def test_newton_solves_a_quadratic_in_one_step(size, members, seed):
    problem = Quadratics(members, size, seed)
    found = Newton().run(problem, torch.zeros(members, size, dtype=torch.float64), gtol=1e-8)
    assert found.steps.tolist() == [1] * members
    assert found.products.tolist() == [size] * members
    assert torch.allclose(found.theta, problem.solution, atol=1e-7)


def test_hessians_equal_those_of_autograd():
    def fun(x: Tensor) -> Tensor:
        return torch.sin(x).prod() + (x**4).sum()

    class Closure:
        def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
            del rows
            return torch.stack(
                [torch.autograd.functional.hvp(fun, t, v)[1] for t, v in zip(theta, vectors, strict=True)]
            )

    theta = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([torch.autograd.functional.hessian(fun, row) for row in theta])
    assert torch.allclose(hessians(Closure(), theta, torch.arange(3)), expected, atol=1e-12)


def test_bfgs_solves_a_quadratic_in_n_steps_with_an_exact_line_search():
    """The update alone, with the exact step −gᵀd / dᵀAd: conjugate directions, so that n steps suffice."""
    size = 8
    problem = Quadratics(1, size)
    curvature = BFGS().curvature(problem, torch.zeros(1, size, dtype=torch.float64))
    x, row = torch.zeros(1, size, dtype=torch.float64), torch.zeros(1, dtype=torch.int64)
    gradient = problem(x, row)[1]
    direction = -gradient
    for _ in range(size):
        alpha = -(gradient * direction).sum() / (direction * problem.product(x, row, direction)).sum()
        step = alpha * direction
        new = problem(x + step, row)[1]
        x, change, gradient = x + step, new - gradient, new
        flags = torch.ones(1, dtype=torch.bool).numpy()
        direction = curvature.directions(Move(row, x, gradient, step, change, flags, flags))
    assert gradient.abs().max() < 1e-9
    assert torch.allclose(x, problem.solution, atol=1e-9)


def test_lbfgs_with_enough_history_equals_bfgs():
    problem, start = Quadratics(3, 10), torch.ones(3, 10, dtype=torch.float64)
    paths: dict[str, list[Tensor]] = {"lbfgs": [], "bfgs": []}

    def note(name: str):
        return lambda at: paths[name].append((at.rows.clone(), at.theta.clone()))

    LBFGS(history=60, scaling="first").run(problem, start, max_steps=12, gtol=1e-10, callback=note("lbfgs"))
    BFGS().run(problem, start, max_steps=12, gtol=1e-10, callback=note("bfgs"))
    assert len(paths["lbfgs"]) == len(paths["bfgs"]) > 5
    for (rows, a), (other, b) in zip(paths["lbfgs"], paths["bfgs"], strict=True):
        assert torch.equal(rows, other)
        assert torch.allclose(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("rule", [BFGS(), Newton(), NewtonCG(), LBFGS()], ids=lambda rule: type(rule).__name__)
class TestEvery:
    def test_members_of_one_batch_get_the_iterates_that_they_get_alone(self, rule):
        problem, start = Quadratics(4, 6, seed=3), torch.ones(4, 6, dtype=torch.float64)
        together = rule.run(problem, start, gtol=1e-9)
        for row in range(4):
            alone = rule.run(_Shifted(problem, row), start[row : row + 1], gtol=1e-9)
            assert torch.allclose(alone.theta[0], together.theta[row], rtol=0, atol=1e-12)
            assert int(alone.evaluations[0]) == int(together.evaluations[row])

    def test_leaves_a_saddle(self, rule):
        found = minimize(saddle, torch.tensor([1.0, 1e-3, -2.0, 1e-4], dtype=torch.float64), rule, gtol=1e-8)
        assert found.converged
        assert found.value == pytest.approx(-2.0)

    def test_the_scale_of_the_loss_changes_little(self, rule):
        start = torch.tensor([-1.2, 1.0], dtype=torch.float64)

        def rosenbrock(scale: float):
            return lambda x: scale * (100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2)

        plain = minimize(rosenbrock(1.0), start, rule, gtol=1e-7)
        small = minimize(rosenbrock(1e-8), start, rule, gtol=1e-15)
        assert plain.converged and small.converged
        assert small.evaluations <= 1.2 * plain.evaluations

    def test_limits_are_honoured(self, rule):
        problem, start = Quadratics(2, 10), torch.ones(2, 10, dtype=torch.float64)
        seen: list[Iterates] = []
        found = rule.run(problem, start, max_steps=3, max_evaluations=3, gtol=0.0, callback=seen.append)
        assert int(found.evaluations.max()) <= 3
        assert int(found.steps.max()) <= 3


class _Shifted:
    """One member of several quadratics, as a problem of its own."""

    def __init__(self, problem: Quadratics, row: int) -> None:
        self.problem, self.row = problem, row

    def __call__(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        return self.problem(theta, rows + self.row)

    def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        return self.problem.product(theta, rows + self.row, vectors)


@settings(max_examples=20)
@given(st.integers(1, 10), st.integers(1, 4), st.booleans(), st.integers(0, 1000))
def test_conjugate_gradients_solve_in_n_products(size, members, preconditioned, seed):
    a = definite(members, size, seed)
    g = torch.randn(members, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    diagonal = a.diagonal(dim1=1, dim2=2) if preconditioned else None
    tolerance = torch.full((members,), 1e-9, dtype=torch.float64)
    d, spent = conjugate_gradients(lambda at, v: torch.einsum("kij,kj->ki", a[at], v), g, tolerance, 5 * size, diagonal)
    assert torch.allclose(torch.einsum("kij,kj->ki", a, d), -g, atol=1e-6)
    assert spent.max() <= 2 * size + 1


def test_negative_curvature_ends_the_inner_loop_with_a_descent_direction():
    g = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    for curvature in (1.0, 1e-8, 4.0):
        tenth = torch.full((1,), 0.1, dtype=torch.float64)
        d, spent = conjugate_gradients(lambda _, v, c=curvature: -c * v, g, tenth, 10)
        assert torch.allclose(d, -g / curvature, rtol=1e-12)
        assert spent.tolist() == [1]


def test_no_curvature_at_all_leaves_steepest_descent():
    g = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    d, _ = conjugate_gradients(lambda _, v: 0 * v, g, torch.full((1,), 0.1, dtype=torch.float64), 10)
    assert torch.equal(d, -g)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_newton_cg_leaves_a_saddle_as_fast_at_any_scale_of_the_loss(scale):
    start = torch.tensor([0.0, 1e-3, 0.0, 1e-4], dtype=torch.float64)
    plain = minimize(saddle, start, NewtonCG(), gtol=1e-8)
    scaled = minimize(lambda x: scale * saddle(x), start, NewtonCG(), gtol=1e-8 * scale)
    assert plain.converged and scaled.converged
    assert plain.evaluations == scaled.evaluations


def test_gauss_newton_finds_the_minimum_of_lbfgs_in_few_evaluations():
    x, y = (torch.from_numpy(part) for part in load_digits(return_X_y=True))
    heads = SoftmaxHeads(x[:600] / 16, y[:600], 10, torch.tensor([1e-3, 1e-1]) * 600)
    start = torch.zeros(2, heads.parameters, dtype=torch.float64)
    newton = GaussNewton().run(heads, start, gtol=1e-6)
    first_order = LBFGS().run(heads, start, gtol=1e-6)
    assert newton.converged.all()
    assert torch.allclose(newton.loss, first_order.loss, rtol=1e-10)
    assert int(newton.evaluations.max()) < int(first_order.evaluations.max())


def test_the_diagonal_of_a_head_is_that_of_its_hessian():
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(20, 3, generator=g, dtype=torch.float64), torch.randint(0, 3, (20,), generator=g)
    heads = SoftmaxHeads(x, y, 3, torch.tensor([0.1, 0.3]), torch.rand(2, 20, generator=g, dtype=torch.float64))
    theta = torch.randn(2, heads.parameters, generator=g, dtype=torch.float64)
    whole = hessians(heads, theta, torch.arange(2))
    assert torch.allclose(heads.diagonal(theta, torch.arange(2)), whole.diagonal(dim1=1, dim2=2), atol=1e-12)


def test_what_cannot_be_asked_is_an_error_that_says_what_to_do():
    start = torch.zeros(1, 3, dtype=torch.float64)
    with pytest.raises(PlanError, match="Choose lbfgs"):
        Newton().run(lambda theta, _: (theta.sum(1), torch.ones_like(theta)), start)
    with pytest.raises(PlanError, match="is for linear softmax heads"):
        GaussNewton().run(Quadratics(1, 3), start)
    with pytest.raises(PlanError, match=r"50,000 × 50,000 numbers"):
        BFGS().run(lambda theta, _: (theta.sum(1), torch.ones_like(theta)), torch.zeros(1, 50_000))
