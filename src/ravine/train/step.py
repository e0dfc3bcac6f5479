"""The step: rule, schedule and penalties applied in place to the matrix of parameters."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ravine.base.errors import TrainingError
from ravine.base.layout import Layout
from ravine.interfaces import Columns, Penalty, Rule, Schedule
from ravine.train.update import Update

CHUNK = 32_768
"""Entries of a matrix that are worked on at a time, so that intermediate results stay in cache."""


class Stepper:
    """Applies rule, schedule and penalties to theta [K, P] in place, given the gradient slab.

    A member whose `active` entry is false keeps its parameters, state and step count bit by bit, whatever its
    gradient is. For a rule with `needs_probe` the loop asks twice for a gradient: it fills the slab at theta, calls
    `probe`, which moves theta, fills the slab again, and calls `step`, which starts from where theta was.

    Attributes:
        state: The rule's matrices [K, P] by name, and its running scalars, float64 [K, 1].
        steps: Steps taken, int64 [K].

    Example:
        >>> from ravine.optim.sgd import SGD
        >>> from ravine.schedules.constant import Constant
        >>> theta, gradient = torch.ones(2, 3), torch.ones(2, 3)
        >>> stepper = Stepper(SGD(lr=(0.5, 0.25)), Constant(), [], Layout.flat(3), theta, gradient, total_steps=10)
        >>> stepper.step()
        >>> theta[:, 0].tolist(), stepper.steps.tolist()
        ([0.5, 0.75], [1, 1])
    """

    def __init__(
        self,
        rule: Rule,
        schedule: Schedule,
        penalties: Sequence[Penalty],
        layout: Layout,
        theta: Tensor,
        gradient: Tensor,
        total_steps: Tensor | int,
    ) -> None:
        """Prepare the state for the first step.

        Args:
            rule: The update rule.
            schedule: The factor on its learning rate.
            penalties: Penalties, in the order in which they act.
            layout: The shapes of the layers within a row.
            theta: Parameters [K, P], contiguous; changed in place.
            gradient: Their gradients [K, P], contiguous; filled by the loop before each step.
            total_steps: Steps of the whole run, one number or int64 [K].

        Raises:
            TrainingError: theta and gradient do not lie alike in memory, or the layout does not fit them.
        """
        _check_slabs(theta, gradient, layout)
        members, device = theta.shape[0], theta.device
        self._update = Update(rule, tuple(penalties), layout)
        self._schedule = schedule
        self._theta, self._gradient = theta, gradient
        self._h = rule.columns(members, device)
        self._schedule_h = schedule.columns(members, device)
        self._penalty_h = [penalty.columns(members, device) for penalty in penalties]
        self._total = torch.as_tensor(total_steps, dtype=torch.float64, device=device).reshape(-1, 1)
        self._penalized = _penalized(layout, device)
        self._origin: Tensor | None = None
        running = rule.start(self._h)
        self._running = tuple(running)
        self.state = {**running, **rule.init(theta, layout)}
        self.steps = torch.zeros(members, dtype=torch.int64, device=device)

    @torch.no_grad()
    def step(self, active: Tensor | None = None) -> None:
        """Change theta and the state by one step of every active member.

        Args:
            active: Bool [K]; None where all members are.
        """
        self._restore()
        t = (self.steps + 1).to(torch.float64)[:, None]
        mask = None if active is None else active[:, None]
        running = {name: self.state[name] for name in self._running}
        advanced = self._update.rule.advance(self._h, t, Columns(running))
        columns = self._cast(self._columns(t, advanced))
        for name, value in advanced.items():
            self.state[name].copy_(value if mask is None else torch.where(mask, value, running[name]))
        self._apply(columns, mask)
        self.steps += 1 if active is None else active

    @torch.no_grad()
    def probe(self) -> None:
        """Move theta to where the rule wants the gradient of the next step; `step` starts from where it was."""
        self._restore()
        t = (self.steps + 1).to(torch.float64)[:, None]
        columns = self._cast(self._columns(t, {name: self.state[name] for name in self._running}))
        c = Columns({name.removeprefix("rule."): value for name, value in columns.items()})
        self._origin = self._theta.clone()
        self._theta.copy_(self._update.rule.probe(self._origin, self._gradient, c))

    @torch.no_grad()
    def evaluated(self) -> Tensor:
        """The weights [K, P] to evaluate and to save: theta itself, unless the rule averages."""
        h = Columns({name: value.to(self._theta.dtype) for name, value in self._h.items() if isinstance(value, Tensor)})
        return self._update.rule.evaluated(self._theta, Columns(self.state), h)

    @torch.no_grad()
    def penalty(self) -> Tensor:
        """The value of all penalties together, [K]; for the report."""
        total = torch.zeros(len(self.steps), dtype=self._theta.dtype, device=self._theta.device)
        for penalty, own in zip(self._update.penalties, self._penalty_h, strict=True):
            h = Columns({name: value.to(self._theta.dtype) for name, value in own.items()})
            weights = self._theta if penalty.biases_and_norms else torch.where(self._penalized, self._theta, 0.0)
            total += penalty.value(weights, h)
        return total

    @torch.no_grad()
    def learning_rate(self) -> Tensor:
        """The scheduled rate of the next step, float64 [K]."""
        return self._rate(self.steps.to(torch.float64)[:, None])[:, 0]

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, apart from theta; tensors with a leading K."""
        return {"steps": self.steps.clone(), **{f"state.{name}": value.clone() for name, value in self.state.items()}}

    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """Go on from where `state_dict` was taken.

        Raises:
            TrainingError: The names or shapes are not those of this rule.
        """
        own = {"steps": self.steps, **{f"state.{name}": value for name, value in self.state.items()}}
        if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in saved.items()}:
            raise TrainingError(
                f"The saved state has {sorted(saved)}, but {type(self._update.rule).__name__} keeps {sorted(own)}, "
                "each of its own shape. Load a state that was saved with the same rule, model and number of members."
            )
        for name, value in own.items():
            value.copy_(saved[name])

    def _rate(self, before: Tensor) -> Tensor:
        peak = self._update.rule.peak(self._h)
        return peak * self._schedule.factor(self._schedule_h, before, self._total)

    def _columns(self, t: Tensor, running: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._update.columns(Columns({**self._h, **running}), self._penalty_h, t, self._rate(t - 1))

    def _cast(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        packed = torch.cat(list(columns.values()), dim=1).to(self._theta.dtype)
        return dict(zip(columns, packed.split(1, dim=1), strict=True))

    def _restore(self) -> None:
        if self._origin is not None:
            self._theta.copy_(self._origin)
            self._origin = None

    def _apply(self, columns: Mapping[str, Tensor], active: Tensor | None) -> None:
        matrices = {name: value for name, value in self.state.items() if name not in self._running}
        for rows, entries in self._chunks():
            part = {name: value[rows, entries] for name, value in matrices.items()}
            own = {name: value[rows] for name, value in columns.items()}
            penalized = self._penalized if self._penalized.shape[1] == 1 else self._penalized[:, entries]
            mask = None if active is None else active[rows]
            p = self._theta[rows, entries]
            moved, state = self._update(p, self._gradient[rows, entries], part, own, penalized, mask)
            p.copy_(moved)
            for name, value in state.items():
                part[name].copy_(value)

    def _chunks(self) -> Iterator[tuple[slice, slice]]:
        members, size = self._theta.shape
        whole = not self._update.rule.elementwise
        width = size if whole else min(size, CHUNK)
        height = members if whole else max(1, CHUNK // width)
        for row in range(0, members, height):
            for entry in range(0, size, width):
                yield slice(row, row + height), slice(entry, entry + width)


def _penalized(layout: Layout, device: torch.device) -> Tensor:
    mask = layout.penalized(device)[None]
    return mask[:, :1].clone() if bool((mask == mask[:, :1]).all()) else mask


def _check_slabs(theta: Tensor, gradient: Tensor, layout: Layout) -> None:
    for name, slab in (("theta", theta), ("gradient", gradient)):
        if (
            slab.shape != (theta.shape[0], layout.size)
            or slab.stride() != (layout.size, 1)
            or slab.dtype != theta.dtype
        ):
            raise TrainingError(
                f"{name} has shape {tuple(slab.shape)}, strides {slab.stride()} and type {slab.dtype}. It must be a "
                f"contiguous matrix [{theta.shape[0]}, {layout.size}] of type {theta.dtype}, as the layout says."
            )
