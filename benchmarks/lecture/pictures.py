"""Fashion-MNIST's own 10,000 test pictures, and what networks are worth on them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.data.fashion_mnist import read
from ravine.data.preprocess import Preprocess
from ravine.stats.calibration import probabilities
from ravine.stats.scores import negative_log_likelihood
from ravine.train.evaluate import logits, packed


@dataclass(frozen=True)
class Worth:
    """Accuracy and negative log-likelihood of one network."""

    accuracy: float
    nll: float


@cache
def _test() -> tuple[Tensor, NDArray[np.int64]]:
    x, y = read("t10k")
    return torch.from_numpy(x.copy())[..., None], y.astype(np.int64)


def said(network: nn.Module, picture: Preprocess, count: int = 10_000) -> NDArray[np.float32]:
    """Logits of the first `count` test pictures."""
    return logits(network, packed(_test()[0], np.arange(count), picture))


def worth(said: NDArray[np.float32]) -> Worth:
    """What logits of the first test pictures are worth."""
    labels = _test()[1][: len(said)]
    return Worth(
        accuracy=float((said.argmax(1) == labels).mean()), nll=negative_log_likelihood(probabilities(said), labels)
    )
