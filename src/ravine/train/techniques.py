"""The techniques of one member at work: in its network, on its batches, on its weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ravine.base.draws import KeyedDraws
from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.moments import SampleDraws, Samples, Tables, Technique, Watch


@dataclass
class MemberTechniques:
    """One member's techniques and its random numbers.

    Attributes:
        seed: Of the member.
        parts: Its techniques, in the order of the catalog.
        draws: Where modules in its network take their random numbers from; `draws.step` is the step of training.
        places: How many places each technique has found in the network, once installed; None for one that seeks none.

    Example:
        >>> from ravine.moments import Samples
        >>> MemberTechniques(seed=0).changes_batches
        False
    """

    seed: int
    parts: Sequence[Technique] = ()
    draws: KeyedDraws = field(init=False)
    places: list[int | None] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.draws = KeyedDraws(self.seed)
        self._tables: Tables = {}

    @property
    def changes_batches(self) -> bool:
        """Whether pictures or targets of a batch are changed."""
        return any(map(self._overrides, ("augment", "mix", "targets")))

    @property
    def changes_weights(self) -> bool:
        """Whether a technique may change weights after a step."""
        return self._overrides("after")

    @property
    def changes_orders(self) -> bool:
        """Whether a technique may decide which pictures an epoch has."""
        return self._overrides("order")

    def _overrides(self, moment: str) -> bool:
        return any(getattr(type(part), moment) is not getattr(Technique, moment) for part in self.parts)

    def order(self, labels: NDArray[np.int64], epoch: int) -> NDArray[np.int64] | None:
        """The pictures of an epoch by their places in `labels`; None for the usual order."""
        orders = (part.order(labels, self.seed, epoch) for part in self.parts)
        return next((found for found in orders if found is not None), None)

    def watch(self) -> Watch | None:
        """What follows the member on validation pictures."""
        return next((found for found in (part.watch() for part in self.parts) if found), None)

    def installed(self, network: nn.Module) -> nn.Module:
        """The network with all techniques that act in it; the same object."""
        self.places = [part.install(network, self.draws) for part in self.parts]
        return network

    def finished(self, network: nn.Module) -> nn.Module:
        """What answers in place of the trained network."""
        for part in self.parts:
            network = part.finish(network)
        return network

    def augmented(
        self, images: Tensor, labels: Tensor, keys: Tensor, *, epoch: int, pictures: int, classes: int
    ) -> Samples:
        """Pictures of one batch or of several, each changed by itself.

        Args:
            images: uint8 [N, H, W, C].
            labels: int64 [N].
            keys: int64 [N], what their random numbers depend on; see `SampleDraws`.
            epoch: From 0.
            pictures: How many pictures the pack has.
            classes: How many there are.
        """
        self._tables = {key: table for key, table in self._tables.items() if key[1] in (0, epoch)}
        draws = SampleDraws(self.seed, epoch, keys.cpu(), pictures, self._tables)
        samples = Samples(images, one_hot(labels, classes).to(torch.float32), draws, epoch)
        for part in self.parts:
            samples = part.augment(samples)
        return samples

    def mixed(self, samples: Samples, counts: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures and the targets of one batch that the member sees.

        Args:
            samples: The batch, augmented.
            counts: How many pictures to train on each class has, int64 [classes].

        Returns:
            Pictures [N, H, W, C], and targets, float32 [N, classes].
        """
        for part in self.parts:
            samples = part.mix(samples)
        targets = samples.targets
        for part in self.parts:
            targets = part.targets(targets, counts)
        return samples.images, targets

    def after(self, theta: Tensor, layout: Layout) -> None:
        """Change the member's weights theta [1, P] in place after a step."""
        for part in self.parts:
            changed = part.after(theta, layout)
            if changed is not None:
                theta.copy_(changed)


def check_places(members: Sequence[MemberTechniques]) -> None:
    """Refuse a technique that has found no place in any member's network.

    Raises:
        PlanError: It would change nothing.
    """
    for number, part in enumerate(members[0].parts):
        if all(member.places[number] == 0 for member in members):
            raise PlanError(
                f"{type(part).__name__} finds no place in this network, so that it would change nothing. Leave it out."
            )
