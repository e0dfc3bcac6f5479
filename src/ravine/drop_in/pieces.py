"""Many parameters as few rows: large ones are cut and small ones joined, so that intermediate results stay in cache."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 131_072
"""Entries that are worked on at a time on a CPU; elsewhere everything is worked on at once."""

Formula = Callable[[Tensor, Tensor, dict[str, Tensor]], tuple[Tensor, dict[str, Tensor]]]
"""(parameters [1, n], gradient [1, n], state [1, n] by name) → parameters and state after the step."""


@dataclass(frozen=True)
class Piece:
    """Entries of one parameter, all in logical order; everything but the gradient is written to.

    Attributes:
        theta: The parameter's entries, [n].
        gradient: Their gradient, [n].
        state: The rule's state by name; [n] each, for rules that work on each entry by itself.
    """

    theta: Tensor
    gradient: Tensor
    state: dict[str, Tensor]

    def cut(self, width: int) -> Iterator["Piece"]:
        """Pieces of at most `width` entries, which share this one's memory."""
        if len(self.theta) <= width:
            yield self
            return
        for start in range(0, len(self.theta), width):
            at = slice(start, start + width)
            yield Piece(self.theta[at], self.gradient[at], {name: value[at] for name, value in self.state.items()})


def bunches(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Cut large pieces, and put small ones together."""
    width = CHUNK if pieces[0].theta.device.type == "cpu" else max(1, sum(len(piece.theta) for piece in pieces))
    bunch: list[Piece] = []
    room = width
    for whole in pieces:
        for piece in whole.cut(width):
            if len(piece.theta) > room:
                yield bunch
                bunch, room = [], width
            bunch.append(piece)
            room -= len(piece.theta)
    yield bunch


def advance(bunch: Sequence[Piece], formula: Formula) -> None:
    """Carry a formula out in place on one row of pieces that lie side by side.

    Half precision is computed in float32: a number such as β₂ = 0.999 is 1 in bfloat16.
    """
    dtype = torch.promote_types(bunch[0].theta.dtype, torch.float32)
    theta = _row([piece.theta for piece in bunch], dtype)
    gradient = _row([piece.gradient for piece in bunch], dtype)
    state = {name: _row([piece.state[name] for piece in bunch], dtype) for name in bunch[0].state}
    moved, changed = formula(theta, gradient, state)
    _spread(moved, [piece.theta for piece in bunch])
    for name, value in changed.items():
        _spread(value, [piece.state[name] for piece in bunch])


def _row(parts: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
    return (parts[0] if len(parts) == 1 else torch.cat(list(parts)))[None].to(dtype)


def _spread(row: Tensor, parts: Sequence[Tensor]) -> None:
    for part, value in zip(parts, row[0].split([len(part) for part in parts]), strict=True):
        part.copy_(value)
