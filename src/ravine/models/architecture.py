"""What a plan says of a network: its kind and its sizes, from which the network can be built."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import nn

from ravine.interfaces import Part


@dataclass(frozen=True)
class Architecture(Part, ABC):
    """A kind of network. What it builds is an ordinary `torch.nn.Module` from pictures to logits."""

    @abstractmethod
    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        """Build the network with fresh parameters from torch's global generator.

        Args:
            channels: 1 or 3.
            size: Height and width of its pictures in pixels.
            classes: How many logits it gives.

        Returns:
            A module from float pictures [N, channels, size, size] to logits [N, classes].

        Raises:
            PlanError: Pictures of this size cannot pass through it.
        """
