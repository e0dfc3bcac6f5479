"""What the nearest other pictures say: k-nearest-neighbour classes by the cosine of centred features.

No parameter is fitted, so that the accuracy is that of the features alone. Every picture is judged by all others but
its copies.

Source: T. Cover and P. Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information Theory 13
(1967) 21–27.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ravine.base.errors import PlanError

CHUNK = 1_000


@dataclass(frozen=True)
class Neighbours:
    """Classes by the vote of the nearest pictures.

    Attributes:
        counts: The numbers of neighbours that voted, [L].
        predictions: The class with most votes, [L, N]; of equal ones, that with the most similar neighbours.
        accuracy: The share of right classes, [L].
    """

    counts: tuple[int, ...]
    predictions: NDArray[np.int64]
    accuracy: NDArray[np.float64]

    @property
    def best(self) -> int:
        """The place of the greatest accuracy; of equal ones, the first."""
        return int(self.accuracy.argmax())


def leave_one_out(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    classes: int,
    counts: tuple[int, ...] = (1, 5, 20),
    blocks: NDArray[np.int64] | None = None,
) -> Neighbours:
    """Judge every picture by its nearest others.

    Args:
        features: [N, D].
        labels: [N], class numbers.
        classes: C.
        counts: Numbers of neighbours, each at least 1; those above the number of other pictures ask all of these.
        blocks: [N]; pictures with one number are not asked about one another. Each picture alone if not given.

    Raises:
        PlanError: A picture has no other outside its block, or a count is below 1.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
        >>> leave_one_out(x, np.array([0, 0, 1, 1]), 2, (1,)).accuracy
        array([1.])
    """
    groups = np.arange(len(labels)) if blocks is None else np.unique(blocks, return_inverse=True)[1]
    others = len(labels) - int(np.bincount(groups).max())
    if others < 1 or min(counts) < 1:
        raise PlanError(
            f"{len(labels)} pictures in {len(set(groups.tolist()))} blocks have no {min(counts)} neighbours."
        )
    most = min(max(counts), others)
    close, who = _nearest(features, groups, most)
    kinds = torch.from_numpy(labels)[who]
    votes = torch.zeros(len(labels), classes, dtype=torch.float64)
    predictions = np.empty((len(counts), len(labels)), np.int64)
    for place in np.argsort(counts):
        count = min(counts[place], most)
        votes.zero_().scatter_add_(1, kinds[:, :count], 1 + close[:, :count] / (4 * count))
        predictions[place] = votes.argmax(1).numpy()
    return Neighbours(counts, predictions, (predictions == labels).mean(1))


def _nearest(features: NDArray[np.floating], groups: NDArray[np.int64], count: int) -> tuple[Tensor, Tensor]:
    """Cosines [N, count] and row numbers of the most similar pictures outside each picture's block."""
    x = torch.from_numpy(features - features.mean(0, dtype=np.float64)).float()
    x = torch.nn.functional.normalize(x)
    block = torch.from_numpy(groups)
    found = []
    for start in range(0, len(x), CHUNK):
        cosines = x[start : start + CHUNK] @ x.T
        cosines[block[start : start + CHUNK, None] == block] = -torch.inf
        found.append(cosines.topk(count, 1))
    return torch.cat([one.values for one in found]).double(), torch.cat([one.indices for one in found])
