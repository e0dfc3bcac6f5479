"""Where each parameter of a network lies in its row of a matrix [members, parameters]."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["weight", "bias", "norm"]


@dataclass(frozen=True)
class Slot:
    """One parameter tensor: its name, its shape, its place in the row, and what it is for."""

    name: str
    shape: tuple[int, ...]
    offset: int
    kind: Kind

    @property
    def size(self) -> int:
        """The number of entries."""
        return prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """The slots of one row, in order and without gaps.

    Example:
        >>> layout = Layout.of([("weight", (2, 3), "weight"), ("bias", (2,), "bias")])
        >>> layout.size, layout.slots[1].offset
        (8, 6)
        >>> layout.split(torch.zeros(4, 8))["weight"].shape
        torch.Size([4, 2, 3])
    """

    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, entries: Iterable[tuple[str, tuple[int, ...], Kind]]) -> "Layout":
        """Lay named shapes side by side."""
        slots: list[Slot] = []
        offset = 0
        for name, shape, kind in entries:
            slots.append(Slot(name, tuple(shape), offset, kind))
            offset += slots[-1].size
        return cls(tuple(slots))

    @classmethod
    def flat(cls, size: int) -> "Layout":
        """One vector of weights, for functions that know no layers."""
        return cls.of([("x", (size,), "weight")])

    @property
    def size(self) -> int:
        """P, the number of parameters in a row."""
        return sum(slot.size for slot in self.slots)

    def split(self, matrix: Tensor) -> dict[str, Tensor]:
        """View a matrix [K, P] as one tensor [K, *shape] a slot, sharing its memory."""
        members = matrix.shape[0]
        return {
            slot.name: matrix[:, slot.offset : slot.offset + slot.size].view(members, *slot.shape)
            for slot in self.slots
        }

    def penalized(self, device: torch.device | str = "cpu") -> Tensor:
        """A mask [P], true where penalties act: on weights, not on biases and norms."""
        return torch.cat([torch.full((slot.size,), slot.kind == "weight", device=device) for slot in self.slots])
