"""Minimize a function of one's own, by any update rule or minimizer of Ravine."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.interfaces import Columns, Rule
from ravine.optim.second_order.minimizer import Iterates, Minimizer

Function = Callable[[Tensor], Tensor | tuple[Tensor, Tensor]]
"""A vector [n] → its value, or its value and its gradient [n]."""


@dataclass(frozen=True)
class Minimum:
    """Where a minimization ended.

    Attributes:
        x: The last accepted point, [n].
        value: The function there.
        gradient_norm: The greatest absolute entry of the gradient there.
        steps: Accepted steps.
        evaluations: Values with their gradients that were asked for.
        path: The accepted points, [steps + 1, n], the start first.
        converged: Whether the gradient's greatest entry is at most gtol.
        reason: Why it ended, in words.
    """

    x: Tensor
    value: float
    gradient_norm: float
    steps: int
    evaluations: int
    path: Tensor
    converged: bool
    reason: str


def minimize(
    fun: Function,
    x0: Tensor,
    rule: Rule | Minimizer,
    *,
    max_steps: int = 1_000,
    max_evaluations: int | None = None,
    gtol: float = 1e-6,
) -> Minimum:
    """Minimize a function.

    Args:
        fun: From a vector [n] to a scalar tensor, through which gradients flow; or to its value and its gradient.
        x0: Where to begin, [n], float32 or float64.
        rule: A minimizer such as LBFGS(), or an update rule such as Adam(lr=0.1), whose rate stays constant.
        max_steps: Most accepted steps.
        max_evaluations: Most values with gradients; twice max_steps if not given.
        gtol: Ends when no entry of the gradient exceeds this.

    Raises:
        PlanError: x0 is no vector of floating-point numbers, or the rule needs what the function does not give.

    Example:
        >>> from ravine.optim.second_order.lbfgs import LBFGS
        >>> found = minimize(lambda x: ((x - 3) ** 2).sum(), torch.zeros(2, dtype=torch.float64), LBFGS())
        >>> found.converged, found.x
        (True, tensor([3., 3.], dtype=torch.float64))
    """
    if x0.ndim != 1 or not x0.is_floating_point():
        raise PlanError(f"x0 has shape {tuple(x0.shape)} and dtype {x0.dtype}. Give a vector of float32 or float64.")
    limit = 2 * max_steps + 1 if max_evaluations is None else max_evaluations
    if isinstance(rule, Minimizer):
        return _by_minimizer(fun, x0, rule, max_steps, limit, gtol)
    return _by_rule(fun, x0, rule, max_steps, limit, gtol)


@dataclass(frozen=True)
class _OneFunction:
    """A function of one vector as the closure of a population of one."""

    fun: Function

    def __call__(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The value [1] and the gradient [1, n]."""
        del rows
        with torch.enable_grad():
            x = theta[0].detach().requires_grad_()
            answer = self.fun(x)
            if isinstance(answer, tuple):
                return answer[0].detach().reshape(1), answer[1].detach()[None]
            (gradient,) = torch.autograd.grad(answer, x)
        return answer.detach().reshape(1), gradient[None]

    def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        """The Hessian times a vector, by differentiating twice."""
        del rows
        with torch.enable_grad():
            x = theta[0].detach().requires_grad_()
            answer = self.fun(x)
            if isinstance(answer, tuple):
                raise PlanError(
                    "This minimizer needs Hessian–vector products, which a function that returns its own gradient does "
                    "not give. Return the value alone, so that it can be differentiated twice, or choose LBFGS."
                )
            (slope,) = torch.autograd.grad(answer, x, create_graph=True)
            if not slope.requires_grad:  # a linear function
                return torch.zeros_like(vectors)
            (product,) = torch.autograd.grad(slope @ vectors[0], x)
        return product[None]


def _by_minimizer(
    fun: Function, x0: Tensor, minimizer: Minimizer, max_steps: int, max_evaluations: int, gtol: float
) -> Minimum:
    path: list[Tensor] = []

    def note(at: Iterates) -> None:
        path.append(at.theta[0].clone())

    found = minimizer.run(
        _OneFunction(fun),
        x0[None],
        max_steps=max_steps,
        max_evaluations=max_evaluations,
        gtol=gtol,
        callback=note,
    )
    return Minimum(
        x=found.theta[0],
        value=float(found.loss[0]),
        gradient_norm=float(found.gradient_norm[0]),
        steps=int(found.steps[0]),
        evaluations=int(found.evaluations[0]),
        path=torch.stack(path),
        converged=bool(found.converged[0]),
        reason=found.reasons[0],
    )


def _by_rule(fun: Function, x0: Tensor, rule: Rule, max_steps: int, max_evaluations: int, gtol: float) -> Minimum:
    """Steps of an update rule at its own constant rate."""
    closure, row = _OneFunction(fun), torch.zeros(1, dtype=torch.int64)
    walk = _RuleWalk(rule, x0[None].detach().clone())
    path, evaluations, reason = [x0.detach().clone()], 0, "max_steps reached"
    value, gradient = closure(walk.evaluated(), row)
    evaluations += 1
    for _ in range(max_steps):
        if bool(gradient.abs().max() <= gtol):
            reason = "no entry of the gradient exceeds gtol"
            break
        if not bool(torch.isfinite(value)):
            reason = "the value is not finite; choose a smaller lr"
            break
        if evaluations + rule.needs_probe + rule.averages >= max_evaluations:
            reason = "max_evaluations reached"
            break
        evaluations += walk.step(closure, gradient)
        path.append(walk.evaluated()[0].clone())
        value, gradient = closure(walk.evaluated(), row)
        evaluations += 1
    norm = float(gradient.abs().max())
    return Minimum(path[-1], float(value), norm, len(path) - 1, evaluations, torch.stack(path), norm <= gtol, reason)


class _RuleWalk:
    """One member stepping by a rule; the protocol of `ravine.train.step.Stepper`, without schedule and penalties."""

    def __init__(self, rule: Rule, theta: Tensor) -> None:
        self.rule, self.theta, self.layout = rule, theta, Layout.flat(theta.shape[1])
        columns = rule.columns(1, theta.device)
        rate = rule.peak(columns)
        self.h = Columns({**columns, "lr": rate, "peak": rate})
        self.running = rule.start(columns)
        self.state = rule.init(theta, self.layout)
        self.steps = 0

    def step(self, closure: _OneFunction, gradient: Tensor) -> int:
        """One step; answers the evaluations that it cost beyond the gradient given."""
        self.steps += 1
        t = torch.full((1, 1), float(self.steps), dtype=torch.float64)
        self.running = self.rule.advance(self.h, t, Columns(self.running))
        numbers = self.rule.coefficients(Columns({**self.h, **self.running}), t)
        c = Columns({k: v.to(self.theta.dtype) for k, v in numbers.items() if isinstance(v, Tensor)})
        c["penalized"] = self.layout.penalized(self.theta.device)[None]
        row = torch.zeros(1, dtype=torch.int64)
        extra = 0
        if self.rule.averages:
            gradient, extra = closure(self.theta, row)[1], extra + 1
        if self.rule.needs_probe:
            gradient, extra = closure(self.rule.probe(self.theta, gradient, c), row)[1], extra + 1
        step = self.rule.step(self.theta, gradient, Columns(self.state), c, self.layout)
        self.theta, self.state = self.theta + step.delta, dict(step.state)
        return extra

    def evaluated(self) -> Tensor:
        """The point to judge, which is not theta itself for rules that average."""
        state = Columns({**self.state, **self.running})
        return self.rule.evaluated(self.theta, state, _cast(self.h, self.theta.dtype))


def _cast(h: Columns, dtype: torch.dtype) -> Columns:
    return Columns({k: _cast(v, dtype) if isinstance(v, Columns) else v.to(dtype) for k, v in h.items()})
