"""What augmentations have in common: a member's own strength, and random numbers where the pictures are."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from ravine.base.ranges import one_value
from ravine.moments import Samples, Technique


@dataclass(frozen=True)
class Augmentation(Technique, ABC):
    """A technique that changes pictures, and perhaps targets.

    What happens to a picture depends on the member's seed, the epoch and the picture, in one batch as in another.
    """

    @abstractmethod
    def augment(self, samples: Samples) -> Samples:
        """Change pictures, each by itself; the tensors given stay as they are."""

    def strength(self, name: str) -> float:
        """The number in a field.

        Raises:
            PlanError: The field has several numbers, although the augmentation belongs to one member.
        """
        return one_value(f"{type(self).__name__}.{name}", getattr(self, name))

    def uniform(self, samples: Samples, count: int) -> Tensor:
        """Numbers in [0, 1), float32 [count, N], for this augmentation, on the device of the pictures."""
        return samples.draws.uniform(type(self).__name__, count).T.to(samples.images.device)
