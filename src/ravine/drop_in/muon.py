"""Ravine's Muon under the name and arguments of `torch.optim.Muon`."""

from collections.abc import Mapping
from typing import Literal

from ravine.base.errors import PlanError
from ravine.drop_in.adapter import Group, Params, RuleOptimizer
from ravine.interfaces import Rule
from ravine.optim.muon import Muon as MuonRule
from ravine.optim.newton_schulz import COEFFICIENTS

SMALLEST_NORM = 1e-7
"""The bound below which torch, and Ravine's iteration, do not divide a matrix by its norm."""


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
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = SMALLEST_NORM,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
        *,
        adam_lr: float = 3e-4,
        maximize: bool = False,
    ) -> None:
        if tuple(ns_coefficients) != COEFFICIENTS or eps != SMALLEST_NORM:
            raise PlanError(
                f"Muon(ns_coefficients={ns_coefficients}, eps={eps}): the iteration of Ravine has these fixed at "
                f"{COEFFICIENTS} and {SMALLEST_NORM}. Leave them at their defaults."
            )
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
