"""Ravine's Lion, with the arguments that packages for PyTorch give it."""

from collections.abc import Mapping

from ravine.drop_in.adapter import Betas, Group, Params, RuleOptimizer
from ravine.interfaces import Rule
from ravine.optim.lion import Lion as LionRule


class Lion(RuleOptimizer):
    """Lion, with decoupled decay of every parameter."""

    def __init__(
        self,
        params: Params,
        lr: float = 1e-4,
        betas: Betas = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    def rule(self, group: Group) -> Rule:
        """Lion."""
        beta1, beta2 = group["betas"]
        return LionRule(beta1=beta1, beta2=beta2, weight_decay=group["weight_decay"], biases_and_norms=True)

    def numbers(self, group: Group) -> Mapping[str, float]:
        """See `RuleOptimizer.numbers`."""
        beta1, beta2 = group["betas"]
        return {"lr": group["lr"], "beta1": beta1, "beta2": beta2, "weight_decay": group["weight_decay"]}

    def coupled_decay(self, group: Group) -> float:
        """None: Lion decays beside its step."""
        del group
        return 0.0
