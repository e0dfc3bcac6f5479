"""Ravine's L-BFGS behind PyTorch's closure protocol."""

from typing import Any, Literal

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.drop_in.adapter import Closure, Group, Params
from ravine.drop_in.history import LastingHistory, LastingLBFGS
from ravine.optim.second_order import lbfgs

TOLERANCE_CHANGE = 1e-9


class LBFGS(torch.optim.Optimizer):
    """L-BFGS with the line search of Moré and Thuente; arguments as `torch.optim.LBFGS`.

    Each `step` takes at most `max_iter` accepted steps and calls the closure at most `max_eval` times; it goes on with
    the history of the `step` before. The closure must be deterministic, and see all data. The history is copied and
    pickled with the optimizer, but is no part of `state_dict`: after `load_state_dict` a new one begins.

    Args:
        params: One group of parameters.
        lr: 1: the line search finds the length of a step.
        max_iter: Most accepted steps of one `step`.
        max_eval: Most calls of the closure; 1.25·max_iter if not given.
        tolerance_grad: Ends when no entry of the gradient exceeds this.
        tolerance_change: At its default: a small change is no reason to end here.
        history_size: Pairs kept.
        line_search_fn: Either way the search is for the strong Wolfe conditions; torch's default, None, takes steps of
            length lr, which need not descend.
        maximize: Whether the loss is to be maximized.

    Example:
        >>> x = torch.nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))
        >>> optimizer = LBFGS([x], max_iter=100)
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        ...     loss.backward()
        ...     return loss
        >>> start = optimizer.step(closure)
        >>> [round(value, 5) for value in x.tolist()]
        [1.0, 1.0]
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = TOLERANCE_CHANGE,
        history_size: int = 100,
        line_search_fn: Literal["strong_wolfe"] | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        _check({"lr": lr, "tolerance_change": tolerance_change})
        if line_search_fn not in (None, "strong_wolfe"):
            raise PlanError(
                f"line_search_fn = {line_search_fn!r} is not known. Choose 'strong_wolfe', or leave it out."
            )
        self._history: LastingHistory | None = None
        limits = {"max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval}
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(
            params, {"lr": float(lr), **limits, **tolerances, "history_size": history_size, "maximize": maximize}
        )

    def add_param_group(self, param_group: Group) -> None:
        """Add the one group of parameters.

        Raises:
            PlanError: It is not the only one, or a parameter is complex.
        """
        if self.param_groups:
            raise PlanError("LBFGS takes one group of parameters: its steps go along one direction in all of them.")
        super().add_param_group(param_group)
        if any(p.is_complex() for p in self.param_groups[0]["params"]):
            raise PlanError("A parameter is complex. Train its real view, torch.view_as_real(p), or leave it out.")

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_history": self._history}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"_history": None, **state})

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        """Minimize from where the parameters stand; answer the first loss.

        Args:
            closure: Clears the gradients, evaluates the loss, calls `backward`, and returns the loss.
        """
        if closure is None:
            raise PlanError("LBFGS.step needs a closure that evaluates the loss again. Write optimizer.step(closure).")
        group = self.param_groups[0]
        _check(group)
        losses: list[Any] = []

        def evaluate(theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
            del rows
            self._put(theta[0])
            with torch.enable_grad():
                losses.append(closure())
            loss = torch.as_tensor(losses[-1]).detach().reshape(1).to(theta)
            return (-loss, -self._gradient()[None]) if group["maximize"] else (loss, self._gradient()[None])

        theta = self._theta()[None]
        found = self._minimizer(evaluate, theta, group["history_size"]).run(
            evaluate,
            theta,
            max_steps=group["max_iter"],
            max_evaluations=group["max_eval"],
            gtol=group["tolerance_grad"],
        )
        self._put(found.theta[0])
        own = self.state[group["params"][0]]
        own["n_iter"] = own.get("n_iter", 0) + int(found.steps)
        own["func_evals"] = own.get("func_evals", 0) + int(found.evaluations)
        return losses[0]

    def _minimizer(self, evaluate: Any, theta: Tensor, size: int) -> LastingLBFGS:
        if self._history is None or not self._history.fits(theta):
            self._history = LastingHistory(lbfgs.LBFGS(history=size).curvature(evaluate, theta), theta)
        return LastingLBFGS(history=size, lasting=self._history)

    def _theta(self) -> Tensor:
        return torch.cat([p.detach().reshape(-1) for p in self.param_groups[0]["params"]])

    def _gradient(self) -> Tensor:
        if any(p.grad is not None and p.grad.is_sparse for p in self.param_groups[0]["params"]):
            raise PlanError("A gradient is sparse, and LBFGS takes dense ones: torch.nn.Embedding(..., sparse=False).")
        parts = [
            torch.zeros_like(p).reshape(-1) if p.grad is None else p.grad.reshape(-1)
            for p in self.param_groups[0]["params"]
        ]
        return torch.cat(parts)

    def _put(self, theta: Tensor) -> None:
        offset = 0
        for p in self.param_groups[0]["params"]:
            p.copy_(theta[offset : offset + p.numel()].view(p.shape))
            offset += p.numel()


def _check(group: Group) -> None:
    if group["lr"] != 1 or group["tolerance_change"] != TOLERANCE_CHANGE:
        raise PlanError(
            f"LBFGS has lr = {group['lr']} and tolerance_change = {group['tolerance_change']}: the line search decides "
            f"how far to go, and the gradient alone when to end. Leave them at 1 and {TOLERANCE_CHANGE}, and use no "
            "scheduler."
        )
