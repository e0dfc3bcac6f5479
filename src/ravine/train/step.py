"""The step: rule, schedule and penalties applied in place to the matrix of parameters."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ravine.base.errors import PlanError, TrainingError
from ravine.base.layout import Layout
from ravine.interfaces import Columns, Penalty, Rule, Schedule
from ravine.train.coefficients import Coefficients
from ravine.train.kernel import Kernel
from ravine.train.update import Update


class Stepper:
    """Applies rule, schedule and penalties to theta [K, P] in place, given the gradient slab.

    A member whose `active` entry is false keeps its parameters, state and step count bit by bit, whatever its
    gradient is. For a rule with `needs_probe` the loop asks twice for a gradient: it fills the slab at theta, calls
    `probe`, which moves theta, fills the slab again, and calls `step`, which starts from where theta was.

    Attributes:
        state: The rule's matrices [K, P] by name, and its running scalars, float64 [K, 1].
        steps: Steps taken, int64 [K]; changed by `step` and `load_state_dict` alone.

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
        compiled: bool | None = None,
        rates: Tensor | None = None,
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
            compiled: Whether the update is compiled; None to decide that after a few steps, by measurement.
            rates: Factor on the learning rate of each parameter, [P]: its whole step is multiplied, decay included.
                None for 1.

        Raises:
            TrainingError: theta and gradient do not lie alike in memory, or the layout does not fit them.
            PlanError: A proximal penalty, or rates of single parameters, act on a rule that evaluates other weights
                than it trains.
        """
        _check_slabs(theta, gradient, layout)
        _check_penalties(rule, penalties)
        _check_rates(rule, rates)
        members, device = theta.shape[0], theta.device
        self._update = Update(rule, tuple(penalties), layout)
        self._theta, self._gradient = theta, gradient
        total = torch.as_tensor(total_steps, dtype=torch.float64, device=device).reshape(-1, 1)
        self._coefficients = Coefficients(self._update, schedule, theta, total)
        self._origin: Tensor | None = None
        matrices = rule.init(theta, layout)
        self._kernel = Kernel(self._update, (theta, gradient), matrices, compiled, rates)
        self.state = {**self._coefficients.running, **matrices}
        self.steps = torch.zeros(members, dtype=torch.int64, device=device)

    @property
    def needs_probe(self) -> bool:
        """Whether the loop must call `probe`, and take the gradient again, before each `step`."""
        return self._update.rule.needs_probe

    @property
    def compiled(self) -> bool | None:
        """Whether the update runs compiled; None until that is decided. It belongs into the record of the run."""
        return self._kernel.compiled

    @torch.no_grad()
    def step(self, active: Tensor | None = None) -> None:
        """Change theta and the state by one step of every active member.

        Args:
            active: Bool [K]; None where all members are.
        """
        self._restore()
        mask = None if active is None else active[:, None]
        packed = self._coefficients.of_step(self.steps, mask)
        self._kernel.run(self._coefficients.names, packed, mask, self._remaining)
        self._coefficients.advance(mask)
        self.steps += 1 if active is None else active

    @torch.no_grad()
    def probe(self) -> None:
        """Move theta to where the rule wants the gradient of the next step; `step` starts from where it was."""
        self._restore()
        values = self._coefficients.of_step(self.steps, None).split(1, dim=1)
        columns = zip(self._coefficients.names, values, strict=True)
        c = Columns({name.removeprefix("rule."): value for name, value in columns})
        self._origin = self._theta.clone()
        self._theta.copy_(self._update.rule.probe(self._origin, self._gradient, c))

    def change(self, **hyperparameters: Tensor | float) -> None:
        """Change hyperparameters of the rule from the next step on; this compiles nothing anew.

        Args:
            hyperparameters: By name, one number or float64 [K, 1].
        """
        for name, value in hyperparameters.items():
            self.hyperparameters[name].copy_(torch.as_tensor(value))
        self._coefficients.forget()

    @property
    def hyperparameters(self) -> Columns:
        """The rule's columns, float64 [K, 1]; `change` changes them."""
        return self._coefficients.hyperparameters

    @torch.no_grad()
    def evaluated(self) -> Tensor:
        """The weights [K, P] to evaluate and to save: theta itself, unless the rule averages."""
        return self._update.rule.evaluated(
            self._theta, Columns(self.state), _cast(self.hyperparameters, self._theta.dtype)
        )

    @torch.no_grad()
    def penalty(self) -> Tensor:
        """The value of all penalties together, [K]; for the report."""
        penalized = self._update.layout.penalized(self._theta.device)
        total = torch.zeros(len(self.steps), dtype=self._theta.dtype, device=self._theta.device)
        for penalty, own in zip(self._update.penalties, self._coefficients.penalties, strict=True):
            weights = self._theta if penalty.biases_and_norms else torch.where(penalized, self._theta, 0.0)
            total += penalty.value(weights, _cast(own, self._theta.dtype))
        return total

    @torch.no_grad()
    def learning_rate(self) -> Tensor:
        """The scheduled rate of the next step, float64 [K]."""
        return self._coefficients.rate(self.steps.to(torch.float64)[:, None])[:, 0]

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
        self._coefficients.forget()

    def _remaining(self) -> int:
        return int((self._coefficients.total[:, 0] - self.steps).max())

    def _restore(self) -> None:
        if self._origin is not None:
            self._theta.copy_(self._origin)
            self._origin = None


def _cast(h: Columns, dtype: torch.dtype) -> Columns:
    cast = {name: _cast(value, dtype) if isinstance(value, Columns) else value.to(dtype) for name, value in h.items()}
    return Columns(cast)


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


def _check_rates(rule: Rule, rates: Tensor | None) -> None:
    if rule.averages and rates is not None:
        raise PlanError(
            f"{type(rule).__name__} ties the weights that it trains to an average of them, so that parameters cannot "
            "have rates of their own. Choose another rule, such as adamw."
        )


def _check_penalties(rule: Rule, penalties: Sequence[Penalty]) -> None:
    for penalty in penalties:
        if rule.averages and type(penalty).proximal is not Penalty.proximal:
            raise PlanError(
                f"{type(penalty).__name__} changes the weights after the step, but {type(rule).__name__} evaluates an "
                "average of weights, which the change would not reach. Choose L2, or another rule."
            )
