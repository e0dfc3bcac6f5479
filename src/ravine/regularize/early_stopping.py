"""Early stopping: training ends when the validation pictures no longer gain, and the best epoch is kept."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from ravine.base.ranges import Count, NonNegative, one_value
from ravine.moments import Technique

Measure = Literal["nll", "accuracy"]


@dataclass(frozen=True)
class EarlyStopping(Technique):
    """Early stopping.

        stop after epoch t when the best value is that of epoch t − patience or earlier

    The weights of the best epoch are the result. A training that ends itself needs epochs to spare, and a schedule that
    does not rely on its end: with a cosine to zero the last epochs are the best, and stopping before them loses. It
    reads the validation pictures once an epoch, so that their final score is a little too good.

    Suggested patience: a fifth of the epochs. The negative log-likelihood rises before the accuracy falls, and is less
    noisy; a network that only has to rank classes may be watched by its accuracy.

    Source: Prechelt, "Early Stopping — But When?", 1998, criterion UP in its common form, with the best in place of the
    last value. Keras and PyTorch Lightning have the same patience; Keras keeps the last weights unless told otherwise.

    Attributes:
        patience: Epochs without a gain after which training ends, at least 1.
        measure: What is watched on the validation pictures.
        min_change: What counts as a gain, ≥ 0.
    """

    patience: Count = 5
    measure: Measure = "nll"
    min_change: NonNegative = 0.0

    def watch(self) -> "Patience":
        """A watch before the first epoch."""
        return Patience(self.patience, self.measure, one_value("EarlyStopping.min_change", self.min_change))


@dataclass(frozen=True)
class Patience:
    """What has been seen of one member; each epoch gives the next watch.

    The loop asks `improved` whether the weights of this epoch are to be kept, and `stops` whether it was the last.

    Attributes:
        patience: Epochs without a gain that are allowed.
        measure: What is watched.
        min_change: What counts as a gain.
        best: The best value so far, turned so that less is better.
        waited: Epochs since then.

    Example:
        >>> watch = EarlyStopping(patience=2).watch()
        >>> for nll in (0.9, 0.7, 0.8, 0.75):
        ...     watch = watch.see(nll, accuracy=0.5)
        ...     print(watch.improved, watch.stops)
        True False
        True False
        False False
        False True
    """

    patience: int
    measure: Measure
    min_change: float
    best: float = math.inf
    waited: int = 0

    def see(self, nll: float, accuracy: float) -> "Patience":
        """The watch after an epoch with these values; what is not a number is no gain."""
        value = nll if self.measure == "nll" else -accuracy
        if value < self.best - self.min_change:
            return replace(self, best=value, waited=0)
        return replace(self, waited=self.waited + 1)

    @property
    def improved(self) -> bool:
        """Whether the last epoch was the best so far."""
        return self.waited == 0 and self.best < math.inf

    @property
    def stops(self) -> bool:
        """Whether training ends here."""
        return self.waited >= self.patience
