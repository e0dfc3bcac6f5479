"""The minimum of many softmax heads, with a bound on what is left to gain.

Single precision walks most of the way, double precision the rest and the check. Every leg of the way starts with
coordinates in which the Hessian's diagonal is one (Jacobi's preconditioner): with features along the axes of their
covariance it is nearly diagonal, and exactly so, Λ/C + λ, at zero weights, where the first leg starts unless a head
that is near is given, such as the mean of those fitted to its folds. Heads that have arrived leave the matrices.

A head has arrived when what a minimum could still take off its loss f is less than a share of f, a millionth where
nothing else is said. The loss is λ-strongly
convex in W, so that with the best b

    f − f*  ≤  ‖∇_W f‖² / 2λ ;   the biases, which have no penalty, add Σ (∂f/∂b)² / 2 (∂²f/∂b²).

For a weak penalty this bound is far above what is left. Where heads only compete, an estimate does, half the squared
decrement of a Newton step with the diagonal alone:

    f − f*  ≈  Σ (∂f/∂θ)² / 2 (∂²f/∂θ²)

Source: S. Boyd and L. Vandenberghe, Convex Optimization (2004), equation (9.9) (the bound) and section 9.5.1 (the
second term, half the squared Newton decrement); J. Nocedal and S. J. Wright, Numerical Optimization (2006), page 120
(the diagonal as preconditioner).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.optim.second_order.minimizer import Minimizer
from ravine.optim.second_order.softmax_head import SoftmaxHeads

COARSE, FINE = (1e-1, 1e-2, 1e-3, 1e-4, 3e-5, 1e-5), (1e-5, 1e-6, 1e-7, 1e-8)
"""Legs in single and in double precision: the greatest entry of the gradient, relative to that at zero weights."""

RELATIVE_GAP = 1e-6
MAX_STEPS = 2_000
FLATTEST = 1e-8
"""The least curvature of a bias that is reckoned with."""


@dataclass(frozen=True)
class Preconditioned:
    """The loss of some heads in coordinates of their own: theta = scale · v.

    Attributes:
        problem: All heads.
        heads: Which of them, int64 [k].
        scale: The length of each coordinate, [k, P].
    """

    problem: SoftmaxHeads
    heads: Tensor
    scale: Tensor

    def __call__(self, v: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The loss [n] and its gradient [n, P] at v [n, P]."""
        scale = self.scale[rows]
        loss, gradient = self.problem(v * scale, self.heads[rows])
        return loss, gradient.mul_(scale)

    def product(self, v: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        """The Hessian of each head at v [n, P] times its vector [n, P]."""
        scale = self.scale[rows]
        return self.problem.product(v * scale, self.heads[rows], vectors * scale).mul_(scale)


@dataclass(frozen=True)
class Certified:
    """Minima of K heads.

    Attributes:
        theta: W, row by row, and b of each head, float64 [K, P].
        loss: Their losses, float64 [K].
        gap: The bound on what the minimum could take off each loss, or the estimate, relative to it, [K].
        evaluations: How often each head's loss and gradient were asked for, int64 [K].
    """

    theta: Tensor
    loss: Tensor
    gap: Tensor
    evaluations: Tensor


def minima(
    features: Tensor,
    labels: Tensor,
    classes: int,
    penalties: Tensor,
    weights: Tensor,
    optimizer: Minimizer,
    relative_gap: float = RELATIVE_GAP,
    certain: bool = True,
    start: Tensor | None = None,
) -> Certified:
    """Minimize K heads on the same features, where rounding allows it.

    Args:
        features: float64 [N, R], centred, with columns orthogonal to one another.
        labels: int64 [N].
        classes: C.
        penalties: λ, float64 [K], above 0.
        weights: float64 [K, N] or [1, N], each row with sum 1.
        optimizer: A full-batch minimizer.
        relative_gap: What a minimum may still take off a loss, as a share of it.
        certain: Whether a bound has to say so; else an estimate does.
        start: W, row by row, and b of each head to begin with, float64 [K, P]; zeros if not given.

    Returns:
        The minima; a loss that is not finite where a head has none.
    """
    exact = SoftmaxHeads(features, labels, classes, penalties, weights)
    rough = SoftmaxHeads(features.float(), labels, classes, penalties.float(), weights.float())
    way = _Way(exact, relative_gap, certain)
    if start is not None:
        way.go_to(start)
    for tolerance in COARSE:
        way.leg(rough, tolerance, optimizer)
    way.judge_all()
    for tolerance in FINE:
        way.leg(exact, tolerance, optimizer)
    return Certified(way.theta, way.loss, way.gap, way.evaluations)


class _Way:
    """How far each head is."""

    def __init__(self, exact: SoftmaxHeads, relative_gap: float, certain: bool) -> None:
        self.exact, self.relative_gap, self.certain = exact, relative_gap, certain
        self.theta = torch.zeros(len(exact.l2), exact.parameters, dtype=exact.features.dtype)
        self.evaluations = torch.zeros(len(self.theta), dtype=torch.int64)
        self.judge_all()
        self.scale = self._first_scale()
        self.start = (self.gradient * self.scale).abs().amax(1)

    def go_to(self, theta: Tensor) -> None:
        """Go on from other weights, in the coordinates that suit them."""
        self.theta = theta.clone()
        self.scale = self.judge_all().clamp(min=FLATTEST).rsqrt()

    def judge_all(self) -> Tensor:
        """Take loss, gradient and gap of every head in double precision; answer the diagonals of the Hessians."""
        everyone = torch.arange(len(self.theta))
        self.loss, self.gradient = self.exact(self.theta, everyone)
        self.evaluations += 1
        diagonal = self.exact.diagonal(self.theta, everyone)
        self.gap = self._gap(self.gradient, diagonal, everyone) / self.loss
        return diagonal

    def leg(self, problem: SoftmaxHeads, tolerance: float, optimizer: Minimizer) -> None:
        """Bring the heads that have not arrived to a tolerance, and give them new coordinates."""
        heads = torch.nonzero(self.gap > self.relative_gap)[:, 0]
        if not len(heads):
            return
        dtype = problem.features.dtype
        scale = self.scale[heads].to(dtype)
        found = optimizer.run(
            Preconditioned(problem, heads, scale),
            self.theta[heads].to(dtype) / scale,
            max_steps=MAX_STEPS,
            max_evaluations=2 * MAX_STEPS,
            gtol=tolerance * self.start[heads].to(dtype),
        )
        theta = found.theta * scale
        diagonal = problem.diagonal(theta, heads)
        self.theta[heads] = theta.to(self.theta.dtype)
        self.loss[heads] = found.loss.to(self.loss.dtype)
        self.gap[heads] = (self._gap(found.gradient / scale, diagonal, heads) / found.loss).to(self.gap.dtype)
        self.scale[heads] = diagonal.clamp(min=FLATTEST).rsqrt().to(self.scale.dtype)
        self.evaluations[heads] += found.evaluations

    def _first_scale(self) -> Tensor:
        """The diagonal at zero weights as if all heads saw all pictures alike, in the axes of the covariance."""
        heads = self.exact
        spread = heads.features.square().mean(0) / heads.classes
        weight = (spread + heads.l2[:, None]).rsqrt().repeat(1, heads.classes)
        bias = weight.new_full((len(weight), heads.classes), heads.classes**0.5)
        return torch.cat([weight, bias], 1)

    def _gap(self, gradient: Tensor, diagonal: Tensor, heads: Tensor) -> Tensor:
        """The bound on f − f*, or an estimate of it, [k]."""
        if not self.certain:
            return (gradient.square() / diagonal.clamp(min=FLATTEST)).sum(1) / 2
        last = -self.exact.classes
        curvature = diagonal[:, last:].clamp(min=FLATTEST)
        penalty = self.exact.penalty(heads).to(gradient.dtype)
        return (gradient[:, :last].square().sum(1) / penalty + (gradient[:, last:].square() / curvature).sum(1)) / 2
