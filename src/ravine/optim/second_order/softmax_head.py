"""The loss of softmax heads on fixed features: value, gradient, and Hessian–vector products, as wide matrix products.

    fₖ(W, b) = Σₙ wₖₙ (log Σ꜀ exp z꜀ − z at yₙ) + ½ λₖ ‖W‖²,   z = W xₙ + b,   p = softmax(z)
    ∇_W = Σₙ wₖₙ (p − e at yₙ) xₙᵀ + λₖ W
    H V: with u = V xₙ,   Σₙ wₖₙ (p ∘ u − p pᵀu) xₙᵀ + λₖ V                        (exactly the Gauss–Newton matrix)

Source: J. Martens, "New insights and perspectives on the natural gradient method", JMLR 21 (2020), sections 8 and 9:
for softmax cross-entropy the generalized Gauss–Newton matrix is the Fisher matrix, and for a linear model the Hessian.

Scores are laid out as [N, C, k], so that heads stand side by side in memory: a softmax along ten neighbouring numbers
took 27 times as long on a CPU, several times the matrix products, as one across rows.
"""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from ravine.base.errors import PlanError


class SoftmaxHeads:
    """K heads on the same features, each with its own penalty and its own weights of the examples.

    A row of theta holds W [C, F], row by row, and then b [C]; b is not penalized.

    Args:
        features: [N, F], float32 or float64; theta must have the same dtype.
        labels: [N], int64, from 0 to classes − 1.
        classes: C, at least 2.
        l2: λ, at least 0: one value, or one a head [K].
        weights: wₖₙ, at least 0, [K, N] or [1, N]; zeros leave examples out, as folds need it. All ones if not given.

    Raises:
        PlanError: Shapes do not agree, or a label or a penalty is out of range.

    Example:
        >>> heads = SoftmaxHeads(torch.eye(2), torch.tensor([0, 1]), 2, l2=1.0)
        >>> loss, gradient = heads(torch.zeros(1, 6), torch.tensor([0]))
        >>> loss, gradient[0, :4]
        (tensor([1.3863]), tensor([-0.5000,  0.5000,  0.5000, -0.5000]))
    """

    def __init__(
        self, features: Tensor, labels: Tensor, classes: int, l2: float | Tensor, weights: Tensor | None = None
    ) -> None:
        self.features, self.labels, self.classes = features, labels, classes
        self.l2 = torch.as_tensor(l2, dtype=features.dtype, device=features.device).reshape(-1)
        self.weights = features.new_ones(1, len(features)) if weights is None else weights.to(features.dtype)
        self._check()
        self._examples = torch.arange(len(labels), device=features.device)

    @property
    def parameters(self) -> int:
        """P = C F + C, the length of a row of theta."""
        return self.classes * (self.features.shape[1] + 1)

    def __call__(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The loss [k] and its gradient [k, P] of the heads `rows` at theta [k, P]."""
        logs = log_softmax(self._scores(theta), 1)
        weights, penalty = self._weights(rows), self.penalty(rows)
        matrix = theta[:, : -self.classes]
        truth = logs[self._examples, self.labels]
        loss = 0.5 * penalty * matrix.square().sum(1) - (weights * truth).sum(0)
        slopes = logs.exp_()
        slopes[self._examples, self.labels] -= 1
        return loss, self._pulled_back(slopes.mul_(weights[:, None]), self.features, matrix, penalty)

    def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        """The Hessian of each head at theta [k, P] times its vector [k, P]."""
        chances = self._chances(theta)
        turned = chances * self._scores(vectors)
        turned -= chances * turned.sum(1, keepdim=True)
        turned *= self._weights(rows)[:, None]
        return self._pulled_back(turned, self.features, vectors[:, : -self.classes], self.penalty(rows))

    def diagonal(self, theta: Tensor, rows: Tensor) -> Tensor:
        """The diagonal of each head's Hessian at theta, [k, P], above 0."""
        chances = self._chances(theta)
        spread = chances * (1 - chances) * self._weights(rows)[:, None]
        ones = torch.ones_like(theta[:, : -self.classes])
        diagonal = self._pulled_back(spread, self.features.square(), ones, self.penalty(rows))
        return diagonal.clamp(min=torch.finfo(theta.dtype).tiny)

    def penalty(self, rows: Tensor) -> Tensor:
        """λ of the heads `rows`, [k] or [1]."""
        return self.l2 if len(self.l2) == 1 else self.l2[rows]

    def _weights(self, rows: Tensor) -> Tensor:
        """What each example counts, [N, k] or [N, 1]."""
        return (self.weights if len(self.weights) == 1 else self.weights[rows]).T

    def _chances(self, theta: Tensor) -> Tensor:
        return log_softmax(self._scores(theta), 1).exp_()

    def _scores(self, theta: Tensor) -> Tensor:
        """W xₙ + b for every example and head, [N, C, k]."""
        heads, classes = len(theta), self.classes
        wide = theta[:, :-classes].reshape(heads, classes, -1).transpose(0, 1).reshape(classes * heads, -1)
        bias = theta[:, -classes:].T.reshape(-1)
        return torch.addmm(bias, self.features, wide.T).view(len(self.features), classes, heads)

    def _pulled_back(self, slopes: Tensor, features: Tensor, matrix: Tensor, penalty: Tensor) -> Tensor:
        """From slopes [N, C, k] of the scores to a gradient [k, P]; λ times the matrix is added."""
        onto = (slopes.flatten(1).T @ features).view(self.classes, len(matrix), -1)
        onto = onto.transpose(0, 1).reshape(len(matrix), -1)
        return torch.cat([torch.addcmul(onto, penalty[:, None], matrix), slopes.sum(0).T], 1)

    def _check(self) -> None:
        examples = len(self.features)
        if self.features.ndim != 2 or self.labels.shape != (examples,):
            raise PlanError(
                f"features {tuple(self.features.shape)} and labels {tuple(self.labels.shape)} do not agree. "
                "Give features [N, F] and labels [N]."
            )
        if self.weights.ndim != 2 or self.weights.shape[1] != examples:
            raise PlanError(f"weights have shape {tuple(self.weights.shape)}. Give [K, {examples}] or [1, {examples}].")
        if examples and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < self.classes:
            raise PlanError(
                f"labels run from {int(self.labels.min())} to {int(self.labels.max())}. Give 0 to {self.classes - 1}."
            )
        if not bool((self.l2 >= 0).all()) or not bool((self.weights >= 0).all()):
            raise PlanError("a penalty or a weight is negative or not a number. Give numbers of at least 0.")
