"""SGD under the name and arguments of `torch.optim`.

`foreach` and `fused` choose between kernels of PyTorch; they are accepted, and change nothing here.
"""

from collections.abc import Mapping

from ravine.drop_in.adapter import Group, Params, RuleOptimizer, refuse
from ravine.interfaces import Rule
from ravine.optim import sgd
from ravine.optim.momentum import Momentum
from ravine.optim.nesterov import Nesterov


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
