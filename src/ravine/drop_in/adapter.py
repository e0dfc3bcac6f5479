"""Ravine's rules behind `torch.optim.Optimizer`: groups, hooks, closures, state dicts and schedulers are PyTorch's."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.drop_in.pieces import Piece, advance, bunches
from ravine.interfaces import Columns, Rule

Group = dict[str, Any]
Closure = Callable[[], Any]
Params = Iterable[Any]
Betas = tuple[float, float]

WITHOUT_COUNTERPART = ("amsgrad", "capturable", "differentiable", "decoupled_weight_decay")
"""Options of torch that change the answer, or what can be done with it; a group may set them too."""

RUNNING = "running "
"""What the names of running scalars begin with in a parameter's state."""


class RuleOptimizer(torch.optim.Optimizer):
    """Steps parameters by the formula of a rule, as a population of one.

    A parameter and its gradient enter the formula in logical order, so that their strides may differ. Numbers are read
    from the group at every step, so that PyTorch's schedulers may change them.
    """

    @abstractmethod
    def rule(self, group: Group) -> Rule:
        """The rule of a group, made from its options; it checks their ranges."""

    @abstractmethod
    def numbers(self, group: Group) -> Mapping[str, float]:
        """The rule's hyperparameters as they stand in the group now."""

    def coupled_decay(self, group: Group) -> float:
        """λ of g ← g + λ·p; for rules that decay beside the step, 0."""
        return group["weight_decay"]

    def add_param_group(self, param_group: Group) -> None:
        """See `torch.optim.Optimizer.add_param_group`.

        Raises:
            PlanError: An option is out of its range, or a parameter is complex.
        """
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group["lr"] = float(group["lr"])
        for name in ("lr", "weight_decay"):
            if group[name] < 0:
                raise PlanError(f"{name} = {group[name]} is negative. Choose a number in [0, ∞).")
        foreign = {name: group[name] for name in WITHOUT_COUNTERPART if name in group and name not in self.defaults}
        refuse(type(self).__name__, **foreign)
        if any(p.is_complex() for p in group["params"]):
            raise PlanError("A parameter is complex. Train its real view, torch.view_as_real(p), or leave it out.")
        self.rule(group)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Closure) -> Any: ...
    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        """Take one step.

        Args:
            closure: Evaluates the model again and returns the loss; may be left out.

        Returns:
            The loss of the closure, or None.

        Raises:
            PlanError: A gradient is sparse, or a loaded state is not this optimizer's.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: Group) -> None:
        """Step parameters of equal age, type and place together: their numbers are the same."""
        rule = self.rule(group)
        together: defaultdict[Any, list[Tensor]] = defaultdict(list)
        for p in group["params"]:
            if p.grad is not None and p.numel():
                scalars = tuple(value for value in self._own(p, rule).values() if not isinstance(value, Tensor))
                together[p.device, p.dtype, scalars].append(p)
        h = self._hyperparameters(rule, group)
        for alike in together.values():
            numbers = self._numbers(alike, rule, h)
            if rule.elementwise:
                self._joined(alike, rule, numbers, group)
            else:
                for p in alike:
                    self._alone(p, rule, numbers, group)

    def _own(self, p: Tensor, rule: Rule) -> dict[str, Any]:
        """The state of a parameter: steps taken, the rule's matrices, flat, and its running scalars.

        Running scalars are Python numbers: PyTorch casts tensors of a loaded state to the parameter's dtype.
        """
        own = self.state[p]
        if own and not isinstance(own.get("step"), int):
            raise PlanError(
                f"The loaded state has {', '.join(own)}, which is not what ravine.drop_in.{type(self).__name__} saves. "
                "Load a state that it saved, or begin without one."
            )
        if len(own) <= 1:
            fresh = rule.init(p.detach().reshape(1, -1), _layout(p))
            running = rule.start(rule.columns(1))
            own |= {"step": own.get("step", 0)} | {name: value.reshape(-1) for name, value in fresh.items()}
            own |= {RUNNING + name: float(value) for name, value in running.items()}
        return own

    def _hyperparameters(self, rule: Rule, group: Group) -> Columns:
        peak = float(group.get("initial_lr", group["lr"])) or 1.0
        values = {name: _column(value) for name, value in self.numbers(group).items()}
        return Columns({**rule.columns(1), **values, "peak": _column(peak)})

    def _numbers(self, alike: list[Tensor], rule: Rule, h: Columns) -> Columns:
        """The numbers of the next step of parameters of equal age; counts the step."""
        own = self.state[alike[0]]
        t = _column(own["step"] + 1)
        before = {name.removeprefix(RUNNING): _column(own[name]) for name in own if name.startswith(RUNNING)}
        running = rule.advance(h, t, Columns(before))
        counted = {"step": own["step"] + 1} | {RUNNING + name: float(value) for name, value in running.items()}
        for p in alike:
            self.state[p] |= counted
        dtype = torch.promote_types(alike[0].dtype, torch.float32)
        columns = rule.coefficients(Columns({**h, **running}), t)
        return Columns({name: value.to(alike[0].device, dtype) for name, value in columns.items()})

    def _joined(self, alike: list[Tensor], rule: Rule, c: Columns, group: Group) -> None:
        pieces = [self._piece(p) for p in alike]
        for bunch in bunches(pieces):
            layout = Layout.flat(sum(len(piece.theta) for piece in bunch))
            advance(bunch, self._formula(rule, _penalized(c, layout), group, layout))
        for p, piece in zip(alike, pieces, strict=True):
            _put(p, piece)

    def _alone(self, p: Tensor, rule: Rule, c: Columns, group: Group) -> None:
        piece, layout = self._piece(p), _layout(p)
        advance([piece], self._formula(rule, _penalized(c, layout), group, layout))
        _put(p, piece)

    def _piece(self, p: Tensor) -> Piece:
        if p.grad is None or p.grad.is_sparse:
            raise PlanError(
                "A gradient is sparse, and Ravine's rules keep dense state. Use dense gradients: "
                "torch.nn.Embedding(..., sparse=False)."
            )
        state = {name: value for name, value in self.state[p].items() if isinstance(value, Tensor)}
        return Piece(p.detach().reshape(-1), p.grad.detach().reshape(-1), state)

    def _formula(self, rule: Rule, c: Columns, group: Group, layout: Layout) -> Any:
        decay = self.coupled_decay(group)

        def moved(theta: Tensor, g: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
            g = -g if group["maximize"] else g
            g = g + decay * theta if decay else g
            step = rule.step(theta, g, Columns(state), c, layout)
            return theta + step.delta, dict(step.state)

        return moved


def _column(value: float) -> Tensor:
    return torch.full((1, 1), float(value), dtype=torch.float64)


def _layout(p: Tensor) -> Layout:
    return Layout.of([("p", tuple(p.shape) or (1,), "weight" if p.ndim > 1 else "bias")])


def _penalized(c: Columns, layout: Layout) -> Columns:
    """The numbers, and whether the row is one that decays: every one is, except for vectors under Muon."""
    device = next(iter(c.values())).device
    return Columns(c, penalized=torch.full((1, 1), layout.slots[0].kind == "weight", device=device))


def _put(p: Tensor, piece: Piece) -> None:
    """Write back what could not be changed in place, for want of contiguous memory."""
    if piece.theta.data_ptr() != p.data_ptr():
        p.copy_(piece.theta.view(p.shape))


def refuse(optimizer: str, **given: object) -> None:
    """Refuse options of torch that would change the answer and have no counterpart here.

    Raises:
        PlanError: One of them is set.
    """
    for name, value in given.items():
        if value:
            raise PlanError(f"{optimizer}({name}={value!r}) has no counterpart in Ravine. Leave {name} at its default.")
