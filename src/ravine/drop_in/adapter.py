"""Ravine's rules behind `torch.optim.Optimizer`: groups, hooks, closures, state dicts and schedulers are PyTorch's."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import torch
from torch import Tensor

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.interfaces import Columns, Rule

Group = dict[str, Any]
Closure = Callable[[], Any]

WITHOUT_COUNTERPART = ("amsgrad", "capturable", "differentiable", "decoupled_weight_decay")
"""Options of torch that change the answer, or what can be done with it; a group may set them too."""
Params = Iterable[Any]
Betas = tuple[float, float]


class RuleOptimizer(torch.optim.Optimizer):
    """Steps every parameter by the formula of a rule, as a population of one.

    A parameter and its gradient enter the formula in logical order, so that their strides may differ. Numbers are read
    from the group at every step, so that PyTorch's schedulers may change them; what decides the form of the formula is
    read once, when a group is added.
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
            PlanError: An option is out of its range.
        """
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group["lr"] = float(group["lr"])
        for name in ("lr", "weight_decay"):
            if group[name] < 0:
                raise PlanError(f"{name} = {group[name]} is negative. Choose a number in [0, ∞).")
        foreign = {name: group[name] for name in WITHOUT_COUNTERPART if name in group and name not in self.defaults}
        refuse(type(self).__name__, **foreign)
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
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            rule = self.rule(group)
            h = self._hyperparameters(rule, group)
            for p in group["params"]:
                if p.grad is not None:
                    self._step_one(p, rule, h, group)
        return loss

    def _hyperparameters(self, rule: Rule, group: Group) -> Columns:
        columns = rule.columns(1)
        for name, value in self.numbers(group).items():
            columns[name] = torch.full((1, 1), float(value), dtype=torch.float64)
        peak = float(group.get("initial_lr", group["lr"])) or 1.0
        return Columns({**columns, "peak": torch.full((1, 1), peak, dtype=torch.float64)})

    def _step_one(self, p: Tensor, rule: Rule, h: Columns, group: Group) -> None:
        if p.grad is None or p.grad.is_sparse:
            raise PlanError(
                "A gradient is sparse, and Ravine's rules keep dense state. Use dense gradients: "
                "torch.nn.Embedding(..., sparse=False)."
            )
        kind = "weight" if p.ndim > 1 else "bias"
        layout = Layout.of([("p", tuple(p.shape) or (1,), kind)])
        theta, g = p.detach().reshape(1, -1), p.grad.detach().reshape(1, -1).to(p.dtype)
        g = -g if group["maximize"] else g
        decay = self.coupled_decay(group)
        g = g + decay * theta if decay else g
        state, numbers = self._advanced(p, rule, h, theta, layout)
        c = Columns({name: value.to(p.device, p.dtype) for name, value in numbers.items() if isinstance(value, Tensor)})
        c["penalized"] = layout.penalized(p.device)[None]
        step = rule.step(theta, g, Columns(state), c, layout)
        p.copy_((theta + step.delta).view(p.shape))
        own = self.state[p]
        own |= {name: value.reshape(-1) for name, value in step.state.items()}

    def _advanced(
        self, p: Tensor, rule: Rule, h: Columns, theta: Tensor, layout: Layout
    ) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
        """The rule's matrices of a parameter, and the numbers of its next step; counts the step.

        Running scalars are kept as Python floats: PyTorch casts tensors of a loaded state to the parameter's dtype.
        """
        own = self.state[p]
        if not own:
            own["step"] = 0
            own |= {name: value.reshape(-1) for name, value in rule.init(theta, layout).items()}
            own |= {f"running {name}": float(value) for name, value in rule.start(h).items()}
        own["step"] = int(own["step"]) + 1
        t = torch.full((1, 1), float(own["step"]), dtype=torch.float64)
        running = {
            name.removeprefix("running "): torch.full((1, 1), value, dtype=torch.float64)
            for name, value in own.items()
            if name.startswith("running ")
        }
        running = rule.advance(h, t, Columns(running))
        own |= {f"running {name}": float(value) for name, value in running.items()}
        matrices = {name: value[None] for name, value in own.items() if isinstance(value, Tensor)}
        return matrices, rule.coefficients(Columns({**h, **running}), t)


def refuse(optimizer: str, **given: object) -> None:
    """Refuse options of torch that would change the answer and have no counterpart here.

    Raises:
        PlanError: One of them is set.
    """
    for name, value in given.items():
        if value:
            raise PlanError(f"{optimizer}({name}={value!r}) has no counterpart in Ravine. Leave {name} at its default.")
