"""L-BFGS on PyTorch's closure protocol."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ravine import drop_in
from ravine.base.errors import PlanError

Function = Callable[[Tensor], Tensor]
THEIRS = {"line_search_fn": "strong_wolfe", "tolerance_change": 0.0}


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def quadratic(x: Tensor) -> Tensor:
    return (torch.logspace(0, 4, len(x), dtype=x.dtype) * x * x).sum()


def powell_singular(x: Tensor) -> Tensor:
    return (x[0] + 10 * x[1]) ** 2 + 5 * (x[2] - x[3]) ** 2 + (x[1] - 2 * x[2]) ** 4 + 10 * (x[0] - x[3]) ** 4


def wood(x: Tensor) -> Tensor:
    coupled = 10 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2) + 19.8 * (x[1] - 1) * (x[3] - 1)
    return rosenbrock(x[:2]) + 90 * (x[3] - x[2] ** 2) ** 2 + (1 - x[2]) ** 2 + coupled


PROBLEMS = {
    "rosenbrock": (rosenbrock, [-1.2, 1.0]),
    "wood": (wood, [-3.0, -1.0, -3.0, -1.0]),
    "powell_singular": (powell_singular, [3.0, -1.0, 0.0, 1.0]),
    "chain": (rosenbrock, [-1.2, 1.0] * 10),
    "quadratic": (quadratic, [1.0] * 50),
}


def start(values: list[float]) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float64))


def closure(x: nn.Parameter, function: Function, norms: list[float]) -> Callable[[], Tensor]:
    def evaluate() -> Tensor:
        x.grad = None
        loss = function(x)
        loss.backward()
        norms.append(float(x.grad.abs().max()))
        return loss

    return evaluate


def evaluations(make: type, problem: str, max_iter: int, **options: object) -> int:
    """How many it takes to bring every entry of the gradient to 1e-6."""
    function, values = PROBLEMS[problem]
    x, norms = start(values), []
    optimizer = make([x], max_iter=max_iter, max_eval=max_iter + 30, tolerance_grad=1e-6, **options)
    while not norms or norms[-1] > 1e-6:
        assert len(norms) < 3000
        optimizer.step(closure(x, function, norms))
    return len(norms)


@pytest.mark.parametrize("max_iter", [5, 200])
def test_it_needs_fewer_evaluations_than_torch_in_all_and_never_many_more(max_iter):
    theirs = [evaluations(torch.optim.LBFGS, problem, max_iter, **THEIRS) for problem in PROBLEMS]
    ours = [evaluations(drop_in.LBFGS, problem, max_iter) for problem in PROBLEMS]
    assert sum(ours) < sum(theirs)
    assert all(own <= 1.3 * other for own, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_short_steps_cost_one_evaluation_more_and_take_the_same_way(problem):
    whole, norms = evaluations(drop_in.LBFGS, problem, 500), []
    function, values = PROBLEMS[problem]
    x, way = start(values), []
    optimizer = drop_in.LBFGS([x], max_iter=1, max_eval=30, tolerance_grad=1e-6)
    while not way or way[-1] > 1e-6:
        optimizer.step(closure(x, function, norms))
        way.append(norms[-1])
    steps = optimizer.state[x]["n_iter"]
    assert len(norms) == optimizer.state[x]["func_evals"]
    assert len(norms) - (steps - 1) == pytest.approx(whole, rel=0.02)


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_a_copy_goes_on_with_the_history(way):
    x, norms = start([-1.2, 1.0] * 5), []
    optimizer = drop_in.LBFGS([x], max_iter=4, max_eval=20)
    for _ in range(3):
        optimizer.step(closure(x, rosenbrock, norms))
    pair = copy.deepcopy((x, optimizer)) if way == "deepcopy" else pickle.loads(pickle.dumps((x, optimizer)))
    for point, one in ((x, optimizer), pair):
        for _ in range(3):
            one.step(closure(point, rosenbrock, norms))
    assert torch.equal(x, pair[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_loaded_state_begins_a_new_history_and_still_arrives(dtype):
    x, norms = start([-1.2, 1.0]), []
    optimizer = drop_in.LBFGS([x], max_iter=8, max_eval=20)
    optimizer.step(closure(x, rosenbrock, norms))
    y = nn.Parameter(x.detach().to(dtype))
    other = drop_in.LBFGS([y], max_iter=100)
    other.load_state_dict(optimizer.state_dict())
    for _ in range(9):
        other.step(closure(y, rosenbrock, norms))
    assert torch.allclose(y, torch.ones_like(y), atol=1e-3)


def test_parameters_may_change_type_between_steps():
    x, norms = start([-1.2, 1.0]), []
    optimizer = drop_in.LBFGS([x], max_iter=30)
    optimizer.step(closure(x, rosenbrock, norms))
    x.data = x.data.float()
    optimizer.step(closure(x, rosenbrock, norms))
    assert torch.allclose(x, torch.ones(2), atol=1e-3)


def test_maximize_climbs():
    x, norms = start([-1.2, 1.0]), []
    optimizer = drop_in.LBFGS([x], max_iter=200, maximize=True)
    first = optimizer.step(closure(x, lambda x: -rosenbrock(x), norms))
    assert first.item() == pytest.approx(-24.2)
    assert torch.allclose(x, torch.ones_like(x), atol=1e-5)


def test_it_honours_max_eval_and_leaves_the_best_point():
    x, norms, losses = start([-1.2, 1.0] * 4), [], []
    optimizer = drop_in.LBFGS([x], max_iter=50, max_eval=7)

    def recorded() -> Tensor:
        losses.append(closure(x, rosenbrock, norms)())
        return losses[-1]

    with torch.no_grad():
        first = optimizer.step(recorded)
    assert len(losses) == 7
    assert first is losses[0]
    assert rosenbrock(x).item() <= min(losses).item()


def test_several_parameters_of_any_strides_some_without_a_gradient():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last))
    bias, unused = nn.Parameter(torch.randn(())), nn.Parameter(torch.ones(2))
    target = torch.randn(4, 3, 2, 2)
    optimizer = drop_in.LBFGS([weight, bias, unused], max_iter=60)

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        loss = ((weight + bias - target) ** 2).sum() + bias**2
        loss.backward()
        return loss

    optimizer.step(evaluate)
    assert torch.allclose(weight, target, atol=1e-4)
    assert abs(bias.item()) < 1e-4
    assert torch.equal(unused, torch.ones(2))


def test_what_cannot_be_is_an_error():
    x = start([1.0])
    with pytest.raises(PlanError, match="Leave them at 1"):
        drop_in.LBFGS([x], lr=0.5)
    with pytest.raises(PlanError, match="one group"):
        drop_in.LBFGS([{"params": [x]}, {"params": [start([2.0])]}])
    with pytest.raises(PlanError, match="is not known"):
        drop_in.LBFGS([x], line_search_fn="weak_wolfe")
    with pytest.raises(PlanError, match="needs a closure"):
        drop_in.LBFGS([x]).step()
    optimizer = drop_in.LBFGS([x])
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 0.5)
    with pytest.raises(PlanError, match="use no scheduler"):
        optimizer.step(closure(x, rosenbrock, []))
