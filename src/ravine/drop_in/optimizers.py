"""Ravine's update rules under the names and arguments of `torch.optim`.

`foreach` and `fused` choose between kernels of PyTorch; they are accepted, and change nothing here.
"""

from collections.abc import Mapping
from typing import Literal

from ravine.drop_in.adapter import Group, Params, RuleOptimizer, refuse
from ravine.interfaces import Rule
from ravine.optim import sgd
from ravine.optim.adagrad import Adagrad as AdagradRule
from ravine.optim.adam import Adam as AdamRule
from ravine.optim.adamw import AdamW as AdamWRule
from ravine.optim.lion import Lion as LionRule
from ravine.optim.momentum import Momentum
from ravine.optim.muon import Muon as MuonRule
from ravine.optim.nadam import NAdam as NAdamRule
from ravine.optim.nesterov import Nesterov
from ravine.optim.rmsprop import RMSProp

Betas = tuple[float, float]


def _moments(group: Group) -> dict[str, float]:
    beta1, beta2 = group["betas"]
    return {"lr": group["lr"], "beta1": beta1, "beta2": beta2, "eps": group["eps"]}


class SGD(RuleOptimizer):
    """SGD, with heavy-ball or Nesterov momentum; arguments as `torch.optim.SGD`.

    Example:
        >>> import torch
        >>> p = torch.nn.Parameter(torch.ones(2))
        >>> p.grad = torch.tensor([1.0, 2.0])
        >>> SGD([p], lr=0.5).step()
        >>> p.data
        tensor([0.5000, 0.0000])
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        del foreach, fused
        refuse("SGD", differentiable=differentiable)
        if nesterov and (momentum <= 0 or dampening != 0):
            refuse("SGD", nesterov="with momentum = 0 or with dampening")
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"nesterov": nesterov, "maximize": maximize})

    def rule(self, group: Group) -> Rule:
        """SGD, Momentum or Nesterov."""
        if group["momentum"] == 0:
            return sgd.SGD()
        if group["nesterov"]:
            return Nesterov(momentum=group["momentum"])
        return Momentum(momentum=group["momentum"], dampening=group["dampening"])

    def numbers(self, group: Group) -> Mapping[str, float]:
        """See `RuleOptimizer.numbers`."""
        return {name: group[name] for name in ("lr", "momentum", "dampening")}


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


class Muon(RuleOptimizer):
    """Muon for matrices and convolution weights, AdamW for vectors; arguments as `torch.optim.Muon`.

    A convolution weight [out, in, …] is orthogonalized as the matrix [out, in·…]; torch refuses it. The iteration runs
    in the parameter's precision; torch's runs in bfloat16.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        *,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
        adam_lr: float = 3e-4,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        more = {"ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn, "adam_lr": adam_lr, "maximize": maximize}
        super().__init__(params, defaults | more)

    def rule(self, group: Group) -> Rule:
        """Muon on every matrix."""
        return MuonRule(
            momentum=group["momentum"],
            weight_decay=group["weight_decay"],
            adam_lr=group["adam_lr"],
            iterations=group["ns_steps"],
            nesterov=group["nesterov"],
            adjust=group["adjust_lr_fn"] or "original",
            head="muon",
        )

    def numbers(self, group: Group) -> Mapping[str, float]:
        """See `RuleOptimizer.numbers`."""
        return {name: group[name] for name in ("lr", "momentum", "weight_decay", "adam_lr")}

    def coupled_decay(self, group: Group) -> float:
        """None: Muon decays beside its step."""
        del group
        return 0.0
