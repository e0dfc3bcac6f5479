"""Training from scratch as a way to transfer: trained on some pictures, asked about others, in a race of ways."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ravine.data.split import Split
from ravine.experiment.pace import epoch_seconds
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.plan.members import single
from ravine.train.evaluate import logits, packed


@dataclass(frozen=True)
class FromScratch:
    """A training from scratch that enters a race.

    Attributes:
        scratch: The training.
    """

    scratch: Scratch

    def answers(self, fit_rows: NDArray[np.int64], held_rows: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
        """What a network that is trained on some pictures alone says of others.

        One member of the plan is trained to its last epoch, without an ensemble.

        Args:
            fit_rows: Numbers of pictures, none of them for testing.
            held_rows: The same; nothing is fitted to them or chosen by them.
            seed: Fixes the initialisation, the order of the pictures, and all other chance.

        Returns:
            Logits [len(held_rows), C], in the order of `held_rows`.

        Raises:
            TrainingError: The loss is not finite.
        """
        scratch = self.scratch
        nobody = np.empty(0, np.int64)
        split = Split(np.sort(fit_rows), nobody, nobody, scratch.split.origin, 0)
        network = replace(scratch, plan=single(scratch.plan, seed), split=split).fit(Stages()).network
        return logits(network, packed(scratch.tensors()[0], held_rows, scratch.plan.picture))

    def expected_seconds(self, pictures: int) -> float:
        """About how long one call of `answers` takes.

        Args:
            pictures: How many are trained on.
        """
        return self._epoch_seconds * (self.scratch.plan.epochs or 1) * pictures / len(self.scratch.split.train)

    @cached_property
    def _epoch_seconds(self) -> float:
        plan = single(self.scratch.plan, self.scratch.plan.seed)
        return epoch_seconds(replace(self.scratch, plan=plan))
