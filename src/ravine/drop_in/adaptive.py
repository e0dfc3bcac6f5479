"""Rules with a rate for each coordinate, under the names and arguments of `torch.optim`.

`foreach` and `fused` choose between kernels of PyTorch; they are accepted, and change nothing here.
"""

from collections.abc import Mapping

from ravine.drop_in.adapter import Betas, Group, Params, RuleOptimizer, refuse
from ravine.interfaces import Rule
from ravine.optim.adagrad import Adagrad as AdagradRule
from ravine.optim.adam import Adam as AdamRule
from ravine.optim.adamw import AdamW as AdamWRule
from ravine.optim.nadam import NAdam as NAdamRule
from ravine.optim.rmsprop import RMSProp


def _moments(group: Group) -> dict[str, float]:
    beta1, beta2 = group["betas"]
    return {"lr": group["lr"], "beta1": beta1, "beta2": beta2, "eps": group["eps"]}


class Adagrad(RuleOptimizer):
    """Adagrad; arguments as `torch.optim.Adagrad`."""

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        del foreach, fused
        refuse("Adagrad", differentiable=differentiable)
        defaults = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps, "maximize": maximize}
        super().__init__(params, defaults | {"initial_accumulator_value": initial_accumulator_value})

    def rule(self, group: Group) -> Rule:
        """Adagrad with epsilon outside the root."""
        initial = group["initial_accumulator_value"]
        return AdagradRule(eps=group["eps"], lr_decay=group["lr_decay"], initial=initial)

    def numbers(self, group: Group) -> Mapping[str, float]:
        """See `RuleOptimizer.numbers`."""
        return {name: group[name] for name in ("lr", "lr_decay", "eps")}


class RMSprop(RuleOptimizer):
    """RMSProp, plain or centred; arguments as `torch.optim.RMSprop`. The centred variance is clamped at 0."""

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        del foreach
        refuse("RMSprop", capturable=capturable, differentiable=differentiable)
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, defaults | {"centered": centered, "maximize": maximize})

    def rule(self, group: Group) -> Rule:
        """RMSProp with epsilon outside the root."""
        return RMSProp(alpha=group["alpha"], eps=group["eps"], momentum=group["momentum"], centred=group["centered"])

    def numbers(self, group: Group) -> Mapping[str, float]:
        """See `RuleOptimizer.numbers`."""
        return {name: group[name] for name in ("lr", "alpha", "eps", "momentum")}


class Adam(RuleOptimizer):
    """Adam; arguments as `torch.optim.Adam`."""

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        del foreach, fused
        refuse("Adam", amsgrad=amsgrad, capturable=capturable, differentiable=differentiable)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults | {"decoupled_weight_decay": decoupled_weight_decay})

    def rule(self, group: Group) -> Rule:
        """Adam as published, or AdamW."""
        beta1, beta2 = group["betas"]
        if group["decoupled_weight_decay"]:
            decay = group["weight_decay"]
            return AdamWRule(beta1=beta1, beta2=beta2, eps=group["eps"], weight_decay=decay, biases_and_norms=True)
        return AdamRule(beta1=beta1, beta2=beta2, eps=group["eps"])

    def numbers(self, group: Group) -> Mapping[str, float]:
        """See `RuleOptimizer.numbers`."""
        decay = {"weight_decay": group["weight_decay"]} if group["decoupled_weight_decay"] else {}
        return _moments(group) | decay

    def coupled_decay(self, group: Group) -> float:
        """See `RuleOptimizer.coupled_decay`."""
        return 0.0 if group["decoupled_weight_decay"] else group["weight_decay"]


class AdamW(Adam):
    """AdamW, with decay of every parameter; arguments as `torch.optim.AdamW`."""

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        del foreach, fused
        refuse("AdamW", amsgrad=amsgrad, capturable=capturable, differentiable=differentiable)
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize, decoupled_weight_decay=True)


class NAdam(RuleOptimizer):
    """NAdam; arguments as `torch.optim.NAdam`. The running product is kept in double precision."""

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        del foreach
        refused = {"decoupled_weight_decay": decoupled_weight_decay and weight_decay > 0, "capturable": capturable}
        refuse("NAdam", **refused, differentiable=differentiable)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"momentum_decay": momentum_decay, "maximize": maximize})

    def rule(self, group: Group) -> Rule:
        """NAdam."""
        beta1, beta2 = group["betas"]
        return NAdamRule(beta1=beta1, beta2=beta2, eps=group["eps"], momentum_decay=group["momentum_decay"])

    def numbers(self, group: Group) -> Mapping[str, float]:
        """See `RuleOptimizer.numbers`."""
        return _moments(group) | {"momentum_decay": group["momentum_decay"]}
