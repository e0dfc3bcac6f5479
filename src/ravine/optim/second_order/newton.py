"""Newton's method: the whole Hessian at every step, damped where it is not positive definite.

    (∇²f + τI) d = −∇f

τ is 0 where the Hessian is positive definite; else it grows until a Cholesky factor exists. A Hessian costs P products
with a vector, its factor P³/3 multiplications, and P² numbers of memory: it is for few parameters.

Source: J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition (2006): section 3.4, algorithm 3.3 (Cholesky
with added multiple of the identity); the first τ is relative to the Hessian's diagonal, so that the scale of the loss
changes nothing.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from ravine.base.ranges import Range
from ravine.optim.second_order.curvature import Counts, Curvature
from ravine.optim.second_order.dense import check_room
from ravine.optim.second_order.descent import LineSearchMinimizer
from ravine.optim.second_order.exact import ExactCurvature, HasProduct, with_product
from ravine.optim.second_order.minimizer import Closure

MOST_FACTORS = 60


@dataclass(frozen=True)
class Newton(LineSearchMinimizer):
    """Damped Newton steps with a line search; a quadratic takes one step.

    Attributes:
        damping: The first τ that is tried where the Hessian has no Cholesky factor, as a part of the greatest entry of
            its diagonal; doubled until there is one. Above 0.
    """

    damping: Annotated[float, Range(0, low_open=True)] = 1e-3

    @property
    def wolfe(self) -> tuple[float, float]:
        """c₁ = 1e-4 and c₂ = 0.9, the book's choice for Newton's method."""
        return 1e-4, 0.9

    def curvature(self, closure: Closure, theta: Tensor) -> Curvature:
        """The Hessian of the closure."""
        check_room("Newton", theta)
        return _Hessian(with_product(closure, "Newton"), theta, self.damping)


class _Hessian(ExactCurvature):
    def __init__(self, closure: HasProduct, theta: Tensor, damping: float) -> None:
        super().__init__(theta)
        self.closure, self.damping = closure, damping

    def solve(self, theta: Tensor, rows: Tensor, gradient: Tensor) -> tuple[Tensor, Counts]:
        """−(H + τI)⁻¹ g."""
        hessian = hessians(self.closure, theta, rows)
        factor = _damped_factors(hessian, self.damping)
        direction = -torch.cholesky_solve(gradient[:, :, None], factor).squeeze(2)
        return direction, np.full(len(rows), theta.shape[1], np.int64)


def hessians(closure: HasProduct, theta: Tensor, rows: Tensor) -> Tensor:
    """The Hessians [k, P, P] of some members, column by column, symmetric."""
    basis = torch.eye(theta.shape[1], dtype=theta.dtype, device=theta.device)
    columns = [closure.product(theta, rows, column.expand_as(theta)) for column in basis]
    hessian = torch.stack(columns, 2)
    return (hessian + hessian.mT) / 2


def _damped_factors(hessian: Tensor, damping: float) -> Tensor:
    """Cholesky factors of H + τI, with the smallest τ tried that gives one."""
    identity = torch.eye(hessian.shape[1], dtype=hessian.dtype, device=hessian.device)
    scale = hessian.diagonal(dim1=1, dim2=2).abs().amax(1).clamp(min=torch.finfo(hessian.dtype).tiny)
    tau = torch.zeros_like(scale)
    factor, info = torch.linalg.cholesky_ex(hessian)
    for _ in range(MOST_FACTORS):
        if not bool(info.any()):
            break
        tau = torch.where(info > 0, torch.maximum(2 * tau, damping * scale), tau)
        factor, info = torch.linalg.cholesky_ex(hessian + tau[:, None, None] * identity)
    return factor
