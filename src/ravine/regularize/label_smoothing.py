"""Label smoothing: targets that leave a little to every class."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.ranges import Decay, one_value
from ravine.moments import Technique


@dataclass(frozen=True)
class LabelSmoothing(Technique):
    """Label smoothing.

        t ← (1 − ε)·t + ε/C          C classes

    Keeps logits from growing without end on pictures that are classified already; accuracy often gains a little.
    Probabilities come out less sure, which a temperature that is fitted afterwards takes back. Suggested ε: 0.1; less
    for two classes.

    Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision",
    2016, section 7. PyTorch's `cross_entropy(label_smoothing=ε)` is the same. Some code gives ε/(C − 1) to the other
    classes and nothing to the true one, which is this with an ε larger by C/(C − 1).

    Attributes:
        strength: ε, in [0, 1).
    """

    strength: Decay = 0.1

    def targets(self, targets: Tensor, counts: Tensor) -> Tensor:
        """See `smoothed`."""
        del counts
        return smoothed(targets, one_value("LabelSmoothing.strength", self.strength))


def smoothed(targets: Tensor, strength: float) -> Tensor:
    """(1 − ε)·t + ε/C for targets t [N, C] whose rows sum to 1.

    Example:
        >>> import torch
        >>> smoothed(torch.tensor([[1.0, 0.0]]), 0.1)
        tensor([[0.9500, 0.0500]])
    """
    return (1 - strength) * targets + strength / targets.shape[1]
