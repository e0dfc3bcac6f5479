"""Ravine's L-BFGS behind PyTorch's closure protocol."""

from typing import Any, Literal

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.drop_in.adapter import Closure, Params
from ravine.optim.second_order import lbfgs

TOLERANCE_CHANGE = 1e-9


class LBFGS(torch.optim.Optimizer):
    """L-BFGS with the line search of Moré and Thuente; arguments as `torch.optim.LBFGS`.

    Each `step` minimizes anew, for at most `max_iter` accepted steps and at most `max_eval` calls of the closure; the
    history is not kept from one `step` to the next, so that one long `step` is worth more than many short ones. The
    closure must be deterministic, and see all data.

    Args:
        params: One group of parameters.
        lr: 1: the line search finds the length of a step.
        max_iter: Most accepted steps of one `step`.
        max_eval: Most calls of the closure; 1.25·max_iter if not given.
        tolerance_grad: Ends when no entry of the gradient exceeds this.
        tolerance_change: At its default: a small change is no reason to end here.
        history_size: Pairs kept.
        line_search_fn: "strong_wolfe", the only one.

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
        line_search_fn: Literal["strong_wolfe"] = "strong_wolfe",
    ) -> None:
        if lr != 1 or line_search_fn != "strong_wolfe" or tolerance_change != TOLERANCE_CHANGE:
            raise PlanError(
                f"LBFGS(lr={lr}, line_search_fn={line_search_fn!r}, tolerance_change={tolerance_change}): the line "
                "search decides how far to go, and the gradient alone when to end. Leave these three at their defaults."
            )
        defaults = {"max_iter": max_iter, "max_eval": max_eval or max_iter * 5 // 4, "tolerance_grad": tolerance_grad}
        super().__init__(params, defaults | {"history_size": history_size})
        if len(self.param_groups) != 1:
            raise PlanError(f"LBFGS takes one group of parameters, and {len(self.param_groups)} were given.")

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        """Minimize from where the parameters stand; answer the first loss.

        Args:
            closure: Clears the gradients, evaluates the loss, calls `backward`, and returns the loss.
        """
        if closure is None:
            raise PlanError("LBFGS.step needs a closure that evaluates the loss again. Write optimizer.step(closure).")
        group = self.param_groups[0]
        losses: list[Any] = []

        def evaluate(theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
            del rows
            self._put(theta[0])
            with torch.enable_grad():
                losses.append(closure())
            return torch.as_tensor(losses[-1]).detach().reshape(1).to(theta.dtype), self._gradient()[None]

        found = lbfgs.LBFGS(history=group["history_size"]).run(
            evaluate,
            self._theta()[None],
            max_steps=group["max_iter"],
            max_evaluations=group["max_eval"],
            gtol=group["tolerance_grad"],
        )
        self._put(found.theta[0])
        return losses[0]

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
