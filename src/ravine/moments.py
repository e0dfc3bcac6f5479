"""What a technique may do to a training, and at which moments.

    before training   install    modules of a member's network are replaced by ones that carry out the technique
    each epoch        order      which pictures come, and how often
    any pictures      augment    pictures are changed, each by itself and as uint8, some batches at once
    each batch        mix        pictures and targets of the batch are mixed with one another
    each batch        targets    targets alone are changed
    each step         after      the weights are changed after the rule's step
    each epoch        watch      validation pictures may end the training, and say which weights are kept
    after training    finish     the trained network is wrapped, for techniques that act when it answers

A technique overrides the moments at which it acts and leaves the others alone. It belongs to one member: the strengths
of members may differ. Everything random comes from keyed draws, so that a member is the same alone, in any population,
and after a resume.
"""

from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.base.draws import Draws
from ravine.base.layout import Layout
from ravine.base.seeds import torch_generator
from ravine.interfaces import Part

Tables = dict[tuple[str, int, int], Tensor]
"""Numbers of all pictures [pictures, count] by purpose, epoch and count."""


class SampleDraws:
    """Random numbers of each picture of a batch, by (member seed, epoch, key), never by its place in the batch.

    The key of a picture is its number in the pack; where a picture may come several times in an epoch, it is its place
    in the order of the epoch, so that each copy has numbers of its own.

    Example:
        >>> whole = SampleDraws(0, 3, torch.arange(4), 4).uniform("flip", 1)
        >>> some = SampleDraws(0, 3, torch.tensor([2, 0]), 4).uniform("flip", 1)
        >>> torch.equal(some, whole[[2, 0]])
        True
    """

    def __init__(self, seed: int, epoch: int, keys: Tensor, pictures: int, tables: Tables | None = None) -> None:
        """Refer to a batch.

        Args:
            seed: Of the member.
            epoch: From 0.
            keys: int64 [N], one a picture of the batch.
            pictures: How many keys there are.
            tables: Where the numbers of an epoch are kept, since every batch of it asks for them.
        """
        self.seed, self.epoch, self.keys, self.pictures = seed, epoch, keys, pictures
        self.tables: Tables = {} if tables is None else tables

    def part(self, places: slice) -> "SampleDraws":
        """The numbers of some of the pictures."""
        return SampleDraws(self.seed, self.epoch, self.keys[places], self.pictures, self.tables)

    def of_epoch(self, epoch: int) -> "SampleDraws":
        """The numbers of the same pictures in another epoch."""
        return SampleDraws(self.seed, epoch, self.keys, self.pictures, self.tables)

    def uniform(self, purpose: str, count: int) -> Tensor:
        """Numbers in [0, 1), float32 [N, count], on the CPU."""
        key = (purpose, self.epoch, count)
        if key not in self.tables:
            generator = torch_generator(self.seed, f"sample {purpose}", self.epoch)
            self.tables[key] = torch.rand(self.pictures, count, generator=generator)
        return self.tables[key][self.keys]


@dataclass(frozen=True)
class Samples:
    """Pictures on their way to the network: one batch, or several until they are mixed.

    Attributes:
        images: [N, H, W, C], uint8, or float32 from 0 to 255 once something has mixed pictures.
        targets: Float32 [N, classes], rows sum to 1.
        draws: Random numbers of each picture.
        epoch: From 0.
    """

    images: Tensor
    targets: Tensor
    draws: SampleDraws
    epoch: int

    def with_images(self, images: Tensor) -> "Samples":
        """The same with other pixels."""
        return replace(self, images=images)

    def part(self, places: slice) -> "Samples":
        """Some of the pictures, such as one batch; views of the same memory."""
        return Samples(self.images[places], self.targets[places], self.draws.part(places), self.epoch)


class Watch(Protocol):
    """What has been seen of one member on validation pictures; each epoch gives the next watch."""

    @property
    def improved(self) -> bool:
        """Whether the last epoch was the best so far, so that its weights are kept."""
        ...

    @property
    def stops(self) -> bool:
        """Whether training ends here."""
        ...

    def see(self, nll: float, accuracy: float) -> "Watch":
        """The watch after an epoch with these values."""
        ...


@dataclass(frozen=True)
class Technique(Part, ABC):
    """Something that touches training apart from rule, schedule and penalty."""

    def install(self, network: nn.Module, draws: Draws) -> int | None:
        """Replace modules of a member's network.

        Args:
            network: An ordinary module; its parameters keep their names and shapes.
            draws: Where the new modules take their random numbers from.

        Returns:
            How many places were found; None for a technique that does not act in the network.
        """
        del network, draws

    def order(self, labels: NDArray[np.int64], seed: int, epoch: int) -> NDArray[np.int64] | None:
        """The pictures of an epoch, in order.

        Args:
            labels: Classes of the N pictures to train on.
            seed: Of the member.
            epoch: From 0.

        Returns:
            N positions in `labels`; None where each picture comes once, in the usual order.
        """
        del labels, seed, epoch

    def augment(self, samples: Samples) -> Samples:
        """Change pictures, each by itself: what happens to one depends on no other, however many there are.

        How many batches are given at once differs from machine to machine.
        """
        return samples

    def mix(self, samples: Samples) -> Samples:
        """Change pictures and targets of one batch, in which they may depend on one another; after all `augment`."""
        return samples

    def targets(self, targets: Tensor, counts: Tensor) -> Tensor:
        """Change the targets of one batch.

        Args:
            targets: [N, classes].
            counts: How many pictures to train on each class has, int64 [classes].
        """
        del counts
        return targets

    def after(self, theta: Tensor, layout: Layout) -> Tensor | None:
        """The weights [1, P] of the member after a step; None where they stay as they are."""
        del theta, layout
        return None

    def watch(self) -> Watch | None:
        """What follows the member on validation pictures; None for nothing."""

    def finish(self, network: nn.Module) -> nn.Module:
        """What answers in place of the trained network."""
        return network


class Site(nn.Identity):
    """A place in a network that techniques know by its name; until one of them takes it, nothing happens there.

    Attributes:
        name: "input" (the pictures), "after_block", or "before_head".

    Example:
        >>> Site("before_head")
        Site(name='before_head')
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def extra_repr(self) -> str:
        """Its name."""
        return f"name={self.name!r}"


class Block(nn.Module):
    """A residual block, x + branch(x) and then a ReLU; techniques may decide whether the branch runs.

    Attributes:
        branch: What is added.
        shortcut: What brings x to the shape of the branch.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, C', H', W']."""
        return torch.relu(self.shortcut(x) + self.branch(x))


def replace_modules(network: nn.Module, kind: type[nn.Module], make: Callable[[nn.Module, int], nn.Module]) -> int:
    """Replace every module of a kind by what `make` gives for it and its number in order; answer how many there were.

    Example:
        >>> network = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.MaxPool2d(2))
        >>> replace_modules(network, nn.MaxPool2d, lambda pool, number: nn.AvgPool2d(2))
        2
        >>> [type(module).__name__ for module in network]
        ['AvgPool2d', 'ReLU', 'AvgPool2d']
    """
    found = [name for name, module in network.named_modules() if isinstance(module, kind)]
    for number, name in enumerate(found):
        network.set_submodule(name, make(network.get_submodule(name), number))
    return len(found)
