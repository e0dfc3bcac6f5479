"""Gauss–Newton for softmax heads: the curvature of a linear model's loss, by preconditioned conjugate gradients.

    G d = −∇f,   G = Σₙ wₙ Jₙᵀ (diag p − p pᵀ) Jₙ + λI

For softmax cross-entropy over a linear model, the Gauss–Newton matrix G is the Hessian itself and positive definite
when λ > 0: Newton steps without their dangers, and the diagonal of G is a cheap preconditioner.

Source: N. N. Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent", Neural Computation
14 (2002), section 3; J. Martens, JMLR 21 (2020), section 8, for G = Hessian.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.base.ranges import Count, Range
from ravine.optim.second_order.conjugate_gradients import conjugate_gradients
from ravine.optim.second_order.curvature import Counts, Curvature
from ravine.optim.second_order.descent import LineSearchMinimizer
from ravine.optim.second_order.exact import ExactCurvature
from ravine.optim.second_order.minimizer import Closure
from ravine.optim.second_order.softmax_head import SoftmaxHeads


@dataclass(frozen=True)
class GaussNewton(LineSearchMinimizer):
    """Gauss–Newton steps for linear softmax heads.

    Attributes:
        tolerance: Residual at which the inner loop stops, relative to the gradient, in (0, 1).
        products: Most products with G a step, at least 1.
    """

    tolerance: Annotated[float, Range(0, 1, low_open=True, high_open=True)] = 0.05
    products: Count = 200

    @property
    def wolfe(self) -> tuple[float, float]:
        """c₁ = 1e-4 and c₂ = 0.9, the book's choice for Newton's method."""
        return 1e-4, 0.9

    def curvature(self, closure: Closure, theta: Tensor) -> Curvature:
        """Products with G, and its diagonal.

        Raises:
            PlanError: The closure is not that of softmax heads.
        """
        if not isinstance(closure, SoftmaxHeads):
            raise PlanError(
                "GaussNewton is for linear softmax heads, where its matrix is the Hessian. "
                "Choose transfer=head, or newton_cg for networks."
            )
        return _HeadCurvature(closure, theta, self.tolerance, self.products)


class _HeadCurvature(ExactCurvature):
    def __init__(self, heads: SoftmaxHeads, theta: Tensor, tolerance: float, most: int) -> None:
        super().__init__(theta)
        self.heads, self.tolerance, self.most = heads, tolerance, most

    def solve(self, theta: Tensor, rows: Tensor, gradient: Tensor) -> tuple[Tensor, Counts]:
        """Preconditioned conjugate gradients."""
        return conjugate_gradients(
            lambda places, vectors: self.heads.product(theta[places], rows[places], vectors),
            gradient,
            torch.full_like(gradient[:, 0], self.tolerance),
            self.most,
            self.heads.diagonal(theta, rows),
        )
