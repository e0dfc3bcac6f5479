"""Class balance: rare classes count more, by weights in the loss or by being seen more often."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ravine.base.ranges import Fraction, one_value
from ravine.base.seeds import numpy_generator
from ravine.moments import Technique


@dataclass(frozen=True)
class ClassBalance(Technique):
    """Class balance, for N pictures of C classes with n_c of class c.

        weights     loss = mean over pictures of w_c·(−log p_c)       w_c ∝ n_c^−power, mean over pictures 1
        sampling    an epoch of N pictures has shares ∝ n_c^(1 − power) of the classes

    With power 1 all classes count alike, with 0 all pictures. Weights see each picture once an epoch, and take large
    steps at the few pictures of a rare class; sampling shows these again and again, so that they are learnt by heart
    sooner, and leaves out some of a frequent class, other ones in the next epoch. Both raise the recall of rare classes
    at the cost of frequent ones, and both make probabilities of rare classes too high, as if all were as frequent.

    Suggested: weights with power 1, or 0.5 where a class has fewer than some ten pictures.

    Source: King and Zeng, "Logistic Regression in Rare Events Data", 2001, on weighting; power 1 is scikit-learn's
    `class_weight="balanced"`. PyTorch's `cross_entropy(weight=…)` divides by the sum of the weights in the batch, which
    makes a batch without rare pictures as heavy as another; here the divisor is the number of pictures. PyTorch's
    `WeightedRandomSampler` draws with replacement; here a picture comes again only after all others of its class.

    Attributes:
        by: How classes are balanced.
        power: How far, in [0, 1].
    """

    by: Literal["weights", "sampling"] = "weights"
    power: Fraction = 1.0

    def order(self, labels: NDArray[np.int64], seed: int, epoch: int) -> NDArray[np.int64] | None:
        """See `balanced_order`."""
        return balanced_order(labels, seed, epoch, self._power()) if self.by == "sampling" else None

    def targets(self, targets: Tensor, counts: Tensor) -> Tensor:
        """Targets times the weights of the classes, whose cross-entropy is the weighted one."""
        if self.by == "sampling":
            return targets
        return targets * torch.from_numpy(self.weights(counts.cpu().numpy())).to(targets)

    def weights(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `class_weights`."""
        return class_weights(counts, self._power())

    def _power(self) -> float:
        return one_value("ClassBalance.power", self.power)


def class_weights(counts: NDArray[np.int64], power: float = 1.0) -> NDArray[np.float64]:
    """Weights of classes whose mean over all pictures is 1.

    Args:
        counts: Pictures of each class; the weight of a class without any is 0.
        power: 1 for equal weight of all classes, 0 for equal weight of all pictures.

    Example:
        >>> class_weights(np.array([30, 10]))
        array([0.66666667, 2.        ])
    """
    raw = np.where(counts > 0, np.maximum(counts, 1.0) ** -power, 0.0)
    return raw * counts.sum() / (raw @ counts)


def balanced_order(labels: NDArray[np.int64], seed: int, epoch: int, power: float = 1.0) -> NDArray[np.int64]:
    """The order of an epoch in which rare classes come more often.

    Args:
        labels: Classes of the N pictures.
        seed: Of the member.
        epoch: From 0.
        power: 1 for equal shares of all classes, 0 for those of the pictures.

    Returns:
        N positions in `labels`. Within a class, counts of pictures differ by one at most.

    Example:
        >>> labels = np.array([0, 0, 0, 0, 0, 1])
        >>> np.bincount(labels[balanced_order(labels, seed=0, epoch=0)])
        array([3, 3])
    """
    generator = numpy_generator(seed, "balanced order", epoch)
    classes, counts = np.unique(labels, return_counts=True)
    shares = _shares(counts.astype(np.float64) ** (1.0 - power), len(labels), generator)
    chosen = [
        _cycled(np.flatnonzero(labels == name), share, generator) for name, share in zip(classes, shares, strict=True)
    ]
    return generator.permutation(np.concatenate(chosen))


def _shares(sizes: NDArray[np.float64], total: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Whole numbers near sizes·total/Σ sizes; what is left over goes to the largest rests, by lot among equals."""
    exact = sizes * total / sizes.sum()
    shares = np.floor(exact).astype(np.int64)
    by_rest = np.lexsort((generator.random(len(sizes)), -np.round(exact - shares, 9)))
    shares[by_rest[: total - shares.sum()]] += 1
    return shares


def _cycled(members: NDArray[np.int64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    rounds = [generator.permutation(members) for _ in range(-(-count // len(members)))]
    return np.concatenate([members[:0], *rounds])[:count]
