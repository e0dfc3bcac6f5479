"""Newton–CG: Newton's equations solved roughly, by products of the Hessian with vectors.

    ∇²f d ≈ −∇f by conjugate gradients, to the relative residual min(½, √(‖∇f‖ / ‖∇f₀‖))

No Hessian is formed: a product costs about two gradients. A direction of negative curvature ends the inner loop, so
that the step always descends. Relative to the gradient at the start, where the book takes ‖∇f‖ itself, so that the
scale of the loss changes nothing; near the solution it converges superlinearly all the same.

Source: J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition (2006): algorithm 7.1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.base.ranges import Count
from ravine.optim.second_order.conjugate_gradients import conjugate_gradients
from ravine.optim.second_order.curvature import Counts, Curvature
from ravine.optim.second_order.descent import LineSearchMinimizer
from ravine.optim.second_order.exact import ExactCurvature, HasProduct, with_product
from ravine.optim.second_order.minimizer import Closure
from ravine.optim.second_order.rows import dots


@dataclass(frozen=True)
class NewtonCG(LineSearchMinimizer):
    """Truncated Newton steps with a line search; a few vectors of memory.

    Attributes:
        products: Most Hessian–vector products a step, at least 1.
    """

    products: Count = 100

    @property
    def wolfe(self) -> tuple[float, float]:
        """c₁ = 1e-4 and c₂ = 0.9, the book's choice for Newton's method."""
        return 1e-4, 0.9

    def curvature(self, closure: Closure, theta: Tensor) -> Curvature:
        """Products with the Hessian of the closure."""
        return _Products(with_product(closure, "NewtonCG"), theta, self.products)


class _Products(ExactCurvature):
    def __init__(self, closure: HasProduct, theta: Tensor, most: int) -> None:
        super().__init__(theta)
        self.closure, self.most = closure, most
        self.start = torch.zeros(len(theta), dtype=theta.dtype, device=theta.device)

    def solve(self, theta: Tensor, rows: Tensor, gradient: Tensor) -> tuple[Tensor, Counts]:
        """Conjugate gradients on Newton's equations; the first norm of each member is remembered by its row."""
        norm = dots(gradient, gradient).sqrt()
        self.start[rows] = torch.where(self.start[rows] == 0, norm, self.start[rows])
        tolerance = (norm / self.start[rows]).sqrt().clamp(max=0.5)
        return conjugate_gradients(
            lambda places, vectors: self.closure.product(theta[places], rows[places], vectors),
            gradient,
            tolerance,
            self.most,
        )
