"""How an update is carried out in place: in chunks that stay in cache, or compiled to one pass over memory."""

import logging
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType

import torch
from torch import Tensor

from ravine.train.update import Update

CHUNK = 65_536
"""Entries of a matrix that are worked on at a time on a CPU, so that intermediate results stay in cache."""

COMPILE_SECONDS = 10.0
"""What compiling costs at most: 11 seconds were measured for the first kernel on two busy cores, 1.2 for the next."""

SAVED_SHARE = 2 / 3
"""The share of an uncompiled step that compiling saves at the least, for elementwise rules."""

_TIMED_STEPS = 4
_log = logging.getLogger("ravine")


class Kernel:
    """Carries an update out in place.

    Attributes:
        compiled: Whether the update runs as one compiled kernel; None until that is decided.
    """

    def __init__(
        self,
        update: Update,
        slabs: tuple[Tensor, Tensor],
        state: Mapping[str, Tensor],
        compiled: bool | None,
        rates: Tensor | None = None,
    ) -> None:
        """Nothing is compiled yet.

        Args:
            update: What is carried out.
            slabs: Parameters and gradients [K, P].
            state: The rule's matrices, changed in place.
            compiled: The decision where it is made already; None to decide after a few steps, by measurement.
            rates: Factor on the step of each parameter, [P]; None for 1.
        """
        self.compiled = compiled
        self._update, self._state = update, state
        self._theta, self._gradient = slabs
        self._penalized = _penalized(update, self._theta.device)
        self._rates = None if rates is None else rates.to(self._theta)[None]
        self._everyone = torch.ones(len(self._theta), 1, dtype=torch.bool, device=self._theta.device)
        self._seconds: list[float] = []
        self._function: Callable[..., None] | None = None

    def run(self, names: Sequence[str], packed: Tensor, active: Tensor | None, remaining: Callable[[], int]) -> None:
        """Change parameters and state by one step.

        Args:
            names: The names of the update's columns.
            packed: The columns [K, number of names] in the dtype of the parameters.
            active: Bool [K, 1]; None where all members are active.
            remaining: Gives the number of steps from this one on; asked once, for the decision.
        """
        if self.compiled is None and len(self._seconds) == _TIMED_STEPS:
            self.compiled = self._pays(remaining())
        if self.compiled and self._compiled(names, packed, active):
            return
        if self.compiled is None:
            self._timed(names, packed, active)
        else:
            self._chunked(names, packed, active)

    def _pays(self, remaining: int) -> bool:
        if not self._update.rule.elementwise:
            return False
        return statistics.median(self._seconds[1:]) * SAVED_SHARE * remaining > COMPILE_SECONDS

    def _timed(self, names: Sequence[str], packed: Tensor, active: Tensor | None) -> None:
        self._finish()
        begin = time.perf_counter()
        self._chunked(names, packed, active)
        self._finish()
        self._seconds.append(time.perf_counter() - begin)

    def _finish(self) -> None:
        if self._theta.device.type != "cpu":
            torch.accelerator.synchronize(self._theta.device)

    def _compiled(self, names: Sequence[str], packed: Tensor, active: Tensor | None) -> bool:
        mask = self._everyone if active is None else active
        arguments = (self._theta, self._gradient, self._state, packed, self._penalized, mask, self._rates)
        if self._function is not None:
            self._function(*arguments)
            return True
        function = torch.compile(_in_place(self._update, tuple(names)), fullgraph=True, dynamic=False)
        try:
            function(*arguments)
        except RuntimeError as failure:
            self.compiled = False
            reason = str(failure).strip().splitlines()[0]
            _log.warning("The update cannot be compiled here (%s). It runs uncompiled, which is slower.", reason)
            return False
        self._function = function
        return True

    def _chunked(self, names: Sequence[str], packed: Tensor, active: Tensor | None) -> None:
        for rows, entries in self._chunks():
            columns = dict(zip(names, packed[rows].split(1, dim=1), strict=True))
            state = {name: value[rows, entries] for name, value in self._state.items()}
            penalized = self._penalized if self._penalized.shape[1] == 1 else self._penalized[:, entries]
            mask = None if active is None else active[rows]
            rates = None if self._rates is None else self._rates[:, entries]
            p = self._theta[rows, entries]
            _write(self._update(p, self._gradient[rows, entries], state, columns, penalized, mask, rates), p, state)

    def _chunks(self) -> Iterator[tuple[slice, slice]]:
        members, size = self._theta.shape
        if not self._update.rule.elementwise or self._theta.device.type != "cpu":
            yield slice(None), slice(None)
            return
        width = min(size, CHUNK)
        height = CHUNK // width
        for row in range(0, members, height):
            for entry in range(0, size, width):
                yield slice(row, row + height), slice(entry, entry + width)


def _in_place(update: Update, names: tuple[str, ...]) -> Callable[..., None]:
    def kernel(
        p: Tensor,
        g: Tensor,
        state: dict[str, Tensor],
        packed: Tensor,
        penalized: Tensor,
        active: Tensor,
        rates: Tensor | None,
    ) -> None:
        columns = dict(zip(names, packed.split(1, dim=1), strict=True))
        _write(update(p, g, state, columns, penalized, active, rates), p, state)

    # torch.compile counts recompilations per code object; a copy keeps one kernel's from counting for another's.
    return FunctionType(kernel.__code__.replace(), kernel.__globals__, "kernel", None, kernel.__closure__)


def _write(result: tuple[Tensor, Mapping[str, Tensor]], p: Tensor, state: Mapping[str, Tensor]) -> None:
    moved, changed = result
    p.copy_(moved)
    for name, value in changed.items():
        state[name].copy_(value)


def _penalized(update: Update, device: torch.device) -> Tensor:
    mask = update.layout.penalized(device)[None]
    return mask[:, :1].clone() if bool((mask == mask[:, :1]).all()) else mask
