"""The numbers of each step, from hyperparameters and time alone; where it is exact, of many steps at once."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ravine.interfaces import Columns, Schedule
from ravine.train.update import Update

AHEAD = 64
"""Steps that are computed at once. A whole number of vectors, so that a step's bits do not depend on its place."""


class Coefficients:
    """Gives, step by step, the columns of an update, packed and in the dtype of the parameters.

    A step of a small network takes about as long as twenty operations on columns of K numbers. Schedules and
    coefficients are closed forms of the step, so that one such operation can serve `AHEAD` steps. A rule with running
    scalars, which have no closed form, is served one step at a time.

    Attributes:
        hyperparameters: The rule's columns, float64 [K, 1].
        running: The rule's running scalars, float64 [K, 1], changed in place by `advance`.
        names: The names of the packed columns; empty before the first `of_step`.
    """

    def __init__(self, update: Update, schedule: Schedule, like: Tensor, total: Tensor) -> None:
        """Nothing is computed yet.

        Args:
            update: Whose columns these are.
            schedule: The factor on the learning rate.
            like: A matrix [K, P], for K, dtype and device.
            total: Steps of the whole run, float64 [K, 1] or [1, 1].
        """
        members, device = like.shape[0], like.device
        self.hyperparameters = update.rule.columns(members, device)
        self.penalties = [penalty.columns(members, device) for penalty in update.penalties]
        self.running = update.rule.start(self.hyperparameters)
        self.names: tuple[str, ...] = ()
        self.total = total
        self._update, self._schedule, self._dtype = update, schedule, like.dtype
        self._schedule_h = schedule.columns(members, device)
        self._offsets = torch.arange(1 if self.running else AHEAD, dtype=torch.float64, device=device)
        self._advanced: dict[str, Tensor] = {}
        self._first = torch.full((members,), -1, dtype=torch.int64, device=device)
        self._block: tuple[Tensor, ...] = ()
        self._used = 0

    def rate(self, before: Tensor) -> Tensor:
        """The scheduled rate, float64 [K, T], after so many steps, float64 [K, T]."""
        return self._update.rule.peak(self.hyperparameters) * self._schedule.factor(
            self._schedule_h, before, self.total
        )

    def of_step(self, steps: Tensor, active: Tensor | None) -> Tensor:
        """The columns of the next step, [K, number of names].

        Args:
            steps: Steps taken, int64 [K].
            active: Bool [K, 1]; the columns of other members mean nothing. None where all members are.
        """
        fits = self._used < len(self._block)
        if fits and active is not None:
            fits = bool(((steps == self._first + self._used) | ~active[:, 0]).all())
        if not fits:
            self._compute(steps)
        return self._block[self._used]

    def advance(self, active: Tensor | None) -> None:
        """Go on to the step after."""
        self._used += 1
        for name, value in self._advanced.items():
            own = self.running[name]
            own.copy_(value if active is None else torch.where(active, value, own))

    def forget(self) -> None:
        """Compute anew what was computed ahead: hyperparameters, steps or running scalars have changed."""
        self._block, self._used = (), 0

    def _compute(self, steps: Tensor) -> None:
        before = steps.to(torch.float64)[:, None] + self._offsets
        h = Columns(
            {
                **self.hyperparameters,
                "lr": self.rate(before),
                "peak": self._update.rule.peak(self.hyperparameters),
            }
        )
        self._advanced = self._update.rule.advance(h, before + 1, Columns(self.running)) if self.running else {}
        columns = self._update.columns(Columns({**h, **self._advanced}), self.penalties, before + 1)
        self.names = tuple(columns)
        self._block = self._packed(columns).unbind()
        self._first, self._used = steps.clone(), 0

    def _packed(self, columns: Mapping[str, Tensor]) -> Tensor:
        width = len(self._offsets)
        wide = torch.stack([column.expand(-1, width) for column in columns.values()], dim=2)
        return wide.transpose(0, 1).to(self._dtype).contiguous()
