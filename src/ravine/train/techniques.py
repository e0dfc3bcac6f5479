"""The techniques of one member at work: in its network, on its batches, on its weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ravine.base.draws import KeyedDraws
from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.moments import SampleDraws, Samples, Technique


@dataclass
class MemberTechniques:
    """One member's techniques and its random numbers.

    Attributes:
        seed: Of the member.
        parts: Its techniques, in the order of the catalog.
        draws: Where modules in its network take their random numbers from; `draws.step` is the step of training.

    Example:
        >>> from ravine.moments import Samples
        >>> MemberTechniques(seed=0).changes_batches
        False
    """

    seed: int
    parts: Sequence[Technique] = ()
    draws: KeyedDraws = field(init=False)

    def __post_init__(self) -> None:
        self.draws = KeyedDraws(self.seed)

    @property
    def changes_batches(self) -> bool:
        """Whether pictures or targets of a batch are changed."""
        return any(
            type(part).augment is not Technique.augment or type(part).targets is not Technique.targets
            for part in self.parts
        )

    def installed(self, network: nn.Module) -> nn.Module:
        """The network with all techniques that act in it; the same object.

        Raises:
            PlanError: A technique finds no place in this network.
        """
        for part in self.parts:
            if part.install(network, self.draws) == 0:
                name = type(part).__name__
                raise PlanError(
                    f"{name} finds no place in this network, so that it would change nothing. Leave it out."
                )
        return network

    def finished(self, network: nn.Module) -> nn.Module:
        """What answers in place of the trained network."""
        for part in self.parts:
            network = part.finish(network)
        return network

    def batch(
        self, images: Tensor, labels: Tensor, rows: Tensor, *, epoch: int, pictures: int, classes: int
    ) -> tuple[Tensor, Tensor]:
        """The pictures and the targets that the member sees.

        Args:
            images: uint8 [N, H, W, C].
            labels: int64 [N].
            rows: int64 [N], the numbers of the pictures.
            epoch: From 0.
            pictures: How many pictures the pack has.
            classes: How many classes there are.

        Returns:
            The pictures, and int64 [N] or, where techniques change batches, float32 [N, classes] targets.
        """
        if not self.changes_batches:
            return images, labels
        draws = SampleDraws(self.seed, epoch, rows.cpu(), pictures)
        samples = Samples(images, one_hot(labels, classes).to(torch.float32), draws, epoch)
        for part in self.parts:
            samples = part.augment(samples)
        targets = samples.targets
        for part in self.parts:
            targets = part.targets(targets)
        return samples.images, targets

    def after(self, theta: Tensor, layout: Layout) -> None:
        """Change the member's weights theta [1, P] in place after a step."""
        for part in self.parts:
            changed = part.after(theta, layout)
            if changed is not None:
                theta.copy_(changed)
