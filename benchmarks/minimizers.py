"""Evaluations that full-batch minimizers need on the nineteen problems of Moré, Garbow and Hillstrom.

    python -m benchmarks.minimizers

An evaluation is a value and a gradient together. All run in float64 from the paper's starts with a history of 10, until
no entry of the gradient exceeds 1e-6 (Brown and Dennis: relative to the gradient at the start), at most 1,500 steps and
3,000 evaluations. SciPy's L-BFGS-B has ftol = 0; torch's LBFGS has its strong Wolfe search and its own stopping tests
switched off. A minus stands where the tolerance was not reached.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

from benchmarks.machine import machine
from benchmarks.table import Cell, show
from ravine.optim import minimize
from ravine.optim.second_order.bfgs import BFGS
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.newton import Newton
from ravine.optim.second_order.newton_cg import NewtonCG

sys.path.append(str(Path(__file__).parents[1] / "tests" / "optim" / "second_order"))
from problems import PROBLEMS, Problem

STEPS, EVALUATIONS, HISTORY = 1_500, 3_000, 10
RELATIVE = 16
"""Brown and Dennis: its value is about 86,000, so that its gradient cannot reach 1e-6 in float64."""
Function = Callable[[Tensor], Tensor]


def value_and_gradient(fun: Function, x: Tensor) -> tuple[float, Tensor]:
    """The value, and the gradient by autograd."""
    x = x.detach().requires_grad_()
    value = fun(x)
    return float(value.detach()), torch.autograd.grad(value, x)[0]


def tolerance(problem: Problem, fun: Function) -> float:
    """The greatest entry of the gradient to stop at."""
    if problem.number != RELATIVE:
        return problem.gtol
    return 1e-6 * float(value_and_gradient(fun, problem.start)[1].abs().max())


def by_scipy(fun: Function, start: Tensor, gtol: float) -> int | None:
    """Evaluations of L-BFGS-B, None where it does not reach the tolerance."""

    def both(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = value_and_gradient(fun, torch.from_numpy(x.copy()))
        return value, gradient.numpy()

    options = {"maxcor": HISTORY, "ftol": 0, "gtol": gtol, "maxiter": STEPS, "maxfun": EVALUATIONS, "maxls": 50}
    found = scipy.optimize.minimize(both, start.numpy(), jac=True, method="L-BFGS-B", options=options)
    return int(found.nfev) if np.abs(found.jac).max() <= gtol else None


def by_torch(fun: Function, start: Tensor, gtol: float) -> int | None:
    """Evaluations of torch.optim.LBFGS, None where it does not reach the tolerance."""
    x, count = start.clone().requires_grad_(), 0
    limits = {"max_iter": STEPS, "max_eval": EVALUATIONS, "history_size": HISTORY}
    stops = {"tolerance_grad": gtol, "tolerance_change": 0.0}
    optimizer = torch.optim.LBFGS([x], **limits, **stops, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        nonlocal count
        count += 1
        optimizer.zero_grad()
        value = fun(x)
        value.backward()
        return value

    optimizer.step(closure)
    return count if float(value_and_gradient(fun, x)[1].abs().max()) <= gtol else None


def by_ravine(fun: Function, start: Tensor, gtol: float, rule: LBFGS | BFGS | Newton | NewtonCG) -> int | None:
    """Evaluations of one of ours."""
    found = minimize(fun, start, rule, max_steps=STEPS, max_evaluations=EVALUATIONS, gtol=gtol)
    return found.evaluations if found.converged else None


def main() -> None:
    """Print one row a problem, and the totals on those that SciPy and torch both solve."""
    print(machine())
    rows: list[list[Cell]] = []
    counts: list[list[int | None]] = []
    for problem in PROBLEMS:
        fun = _function(problem)
        gtol = tolerance(problem, fun)
        ours = [by_ravine(fun, problem.start, gtol, rule) for rule in (LBFGS(HISTORY), BFGS(), Newton(), NewtonCG())]
        counts.append([ours[0], by_scipy(fun, problem.start, gtol), by_torch(fun, problem.start, gtol), *ours[1:]])
        rows.append([f"{problem.number} {problem.name}", *(str(count or "−") for count in counts[-1])])
    heads = (
        "problem",
        "ravine L-BFGS",
        "SciPy L-BFGS-B",
        "torch LBFGS",
        "ravine BFGS",
        "ravine Newton",
        "ravine Newton–CG",
    )
    show("Evaluations", heads, rows)
    both = [
        row for problem, row in zip(PROBLEMS, counts, strict=True) if problem.number != RELATIVE and row[1] and row[2]
    ]
    ours, scipys, torchs = (sum(row[place] or 0 for row in both) for place in range(3))
    print(f"\nSolved: {[sum(row[place] is not None for row in counts) for place in range(6)]} of {len(counts)}")
    print(f"On the {len(both)} with an absolute tolerance that SciPy and torch both solve:")
    print(f"ravine {ours}, SciPy {scipys}, torch {torchs}")
    print(f"ratios: {ours / scipys:.2f} of SciPy, {ours / torchs:.2f} of torch")
    print(f"Greatest ratio to SciPy on one problem: {max((row[0] or 9e9) / row[1] for row in counts if row[1]):.2f}")


def _function(problem: Problem) -> Function:
    return lambda x: problem.loss(x[None])[0]


if __name__ == "__main__":
    main()
