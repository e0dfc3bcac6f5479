"""How stored numbers become what a network reads: pixels are normalised, maps are taken as they are."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Reading(Protocol):
    """What training and evaluation ask of the numbers that they gather."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one picture as a network reads it."""
        ...

    def normalise(self, pixels: Tensor) -> Tensor:
        """Stored numbers [..., C, H, W], channels last in memory, as a network reads them, float32."""
        ...


@dataclass(frozen=True)
class Maps:
    """Maps of an earlier network, stored as they are.

    Attributes:
        shape: C, H, W of one picture.

    Example:
        >>> import torch
        >>> Maps((1, 1, 2)).normalise(torch.tensor([[[[0.5, 2.0]]]], dtype=torch.float16))
        tensor([[[[0.5000, 2.0000]]]])
    """

    shape: tuple[int, int, int]

    def normalise(self, pixels: Tensor) -> Tensor:
        """The same numbers in float32."""
        return pixels.float()
