"""Views of pictures for a frozen body: each picture as it is, and, from the second view on, augmented.

The epochs of a training become the views of a head: view v draws the random numbers of epoch v. Alternating flips count
from view 0, which is the picture as it is, so that views 1, 3, … are mirrored. What a view shows depends on (seed,
view, picture) alone, so that its features can be stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.augment.augmentation import Augmentation
from ravine.augment.flip import Flip
from ravine.data.pack import Packed
from ravine.moments import SampleDraws, Samples, Tables
from ravine.plan.plan import Plan
from ravine.plan.toml import to_tree


@dataclass(frozen=True, eq=False)
class View:
    """One augmented view of every picture of a pack.

    Attributes:
        number: v, from 1.
        seed: Of the plan.
        parts: What happens to a picture, in this order.
        images: The pictures as they are, uint8 [N, S, S, C].
    """

    number: int
    seed: int
    parts: Sequence[Augmentation]
    images: NDArray[np.uint8] = field(repr=False)
    _tables: Tables = field(init=False, repr=False)

    def __post_init__(self) -> None:
        unmirrored = torch.ones(len(self.images), 1)
        object.__setattr__(self, "_tables", {(Flip.__name__, 0, 1): unmirrored})

    def identity(self) -> dict[str, object]:
        """What its features depend on beside the network and the pictures, as plain values."""
        return {"view": self.number, "seed": self.seed, "augmentation": [to_tree(part) for part in self.parts]}

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """The view of one picture, uint8 [S, S, C]."""
        draws = SampleDraws(self.seed, self.number, torch.tensor([index]), len(self.images), self._tables)
        samples = Samples(torch.from_numpy(self.images[[index]]), torch.ones(1, 1), draws, self.number)
        for part in self.parts:
            samples = part.augment(samples)
        return samples.images[0].numpy()


def views_of(plan: Plan, pack: Packed) -> tuple[View, ...]:
    """The views 1, 2, … of a plan; none where each picture is seen once, and then the pack is not asked for."""
    parts = tuple(part for part in plan.techniques if isinstance(part, Augmentation))
    count = plan.head.views if plan.head else 1
    return tuple(View(number, plan.seed, parts, pack().images) for number in range(1, count))
