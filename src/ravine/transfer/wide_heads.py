"""The loss of many softmax heads with their scores laid out as [N, C, k], so that heads stand side by side in memory.

The formulas are those of `SoftmaxHeads`. There the classes of one head stand side by side, [N, k, C], and a softmax
along ten neighbouring numbers took 27 times as long on a CPU, several times the matrix products, as one across rows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from ravine.optim.second_order.softmax_head import SoftmaxHeads


@dataclass(frozen=True)
class WideHeads:
    """Heads on the same features, evaluated side by side; theta is that of `SoftmaxHeads`.

    Attributes:
        heads: Features, labels, penalties and weights.
    """

    heads: SoftmaxHeads

    def __call__(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The loss [k] and its gradient [k, P] of the heads `rows` at theta [k, P]."""
        examples = torch.arange(len(self.heads.features))
        logs = log_softmax(self._scores(theta), 1)
        weights, penalty = self._weights(rows), self.penalty(rows)
        matrix = theta[:, : -self.heads.classes]
        truth = logs[examples, self.heads.labels]
        loss = 0.5 * penalty * matrix.square().sum(1) - (weights * truth).sum(0)
        slopes = logs.exp_()
        slopes[examples, self.heads.labels] -= 1
        return loss, self._pulled_back(slopes.mul_(weights[:, None]), self.heads.features, matrix, penalty)

    def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        """The Hessian of each head at theta [k, P] times its vector [k, P]."""
        chances = self._chances(theta)
        turned = chances * self._scores(vectors)
        turned -= chances * turned.sum(1, keepdim=True)
        turned *= self._weights(rows)[:, None]
        return self._pulled_back(turned, self.heads.features, vectors[:, : -self.heads.classes], self.penalty(rows))

    def diagonal(self, theta: Tensor, rows: Tensor) -> Tensor:
        """The diagonal of each head's Hessian at theta, [k, P]."""
        chances = self._chances(theta)
        spread = chances * (1 - chances) * self._weights(rows)[:, None]
        ones = torch.ones_like(theta[:, : -self.heads.classes])
        return self._pulled_back(spread, self.heads.features.square(), ones, self.penalty(rows))

    def penalty(self, rows: Tensor) -> Tensor:
        """λ of the heads `rows`, [k] or [1]."""
        return self.heads.l2 if len(self.heads.l2) == 1 else self.heads.l2[rows]

    def _weights(self, rows: Tensor) -> Tensor:
        """What each example counts, [N, k] or [N, 1]."""
        return (self.heads.weights if len(self.heads.weights) == 1 else self.heads.weights[rows]).T

    def _chances(self, theta: Tensor) -> Tensor:
        return log_softmax(self._scores(theta), 1).exp_()

    def _scores(self, theta: Tensor) -> Tensor:
        """W xₙ + b for every example and head, [N, C, k]."""
        features, classes = self.heads.features, self.heads.classes
        wide = theta[:, :-classes].reshape(len(theta), classes, -1).transpose(0, 1).reshape(-1, features.shape[1])
        bias = theta[:, -classes:].T.reshape(-1)
        return torch.addmm(bias, features, wide.T).view(len(features), classes, len(theta))

    def _pulled_back(self, slopes: Tensor, features: Tensor, matrix: Tensor, penalty: Tensor) -> Tensor:
        """From slopes [N, C, k] of the scores to a gradient [k, P]; λ times the matrix is added."""
        onto = (slopes.flatten(1).T @ features).view(self.heads.classes, len(matrix), -1)
        onto = onto.transpose(0, 1).reshape(len(matrix), -1)
        return torch.cat([torch.addcmul(onto, penalty[:, None], matrix), slopes.sum(0).T], 1)
