"""What networks are worth on the validation pictures of a training."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.data.reading import Reading
from ravine.ensemble.judge import Judge
from ravine.ensemble.recipe import Mixture
from ravine.experiment.fitted import Evidence
from ravine.plan.plan import Plan
from ravine.train.evaluate import logits, packed


@dataclass(frozen=True, eq=False)
class Judging:
    """The validation pictures of a training.

    Attributes:
        plan: The choices.
        picture: How the pictures are read.
        images: All pictures of the pack, uint8 [M, S, S, C].
        rows: Which of them are for validation.
        labels: Theirs.
        classes: Names of the classes.
    """

    plan: Plan
    picture: Reading
    images: Tensor
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def mixtures(self, build: Callable[[Mixture], nn.Module]) -> Judge:
        """What mixtures of candidates are worth.

        Args:
            build: Makes a network of one.
        """
        return Judge(lambda shares: self._logits(build(shares)), self.labels, self.plan.select)

    def evidence(self, network: nn.Module) -> Evidence:
        """What a network says of them."""
        return Evidence(self._logits(network), self.labels, f"the {len(self.rows):,} validation pictures")

    def worth(self, unseen: Evidence) -> float:
        """The value of the selection metric."""
        return float(getattr(unseen.scores(self.classes), self.plan.select))

    def _logits(self, network: nn.Module) -> NDArray[np.float32]:
        return logits(network, packed(self.images, self.rows, self.picture))
