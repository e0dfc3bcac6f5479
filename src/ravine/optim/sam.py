"""Sharpness-aware minimization: the gradient at the worst point near by."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ravine.base.layout import Layout
from ravine.base.ranges import NonNegative
from ravine.interfaces import Columns, Rule, Step
from ravine.optim.momentum import Momentum


@dataclass(frozen=True)
class SAM(Rule):
    """Sharpness-aware minimization around another rule.

        w = θ + ρ·g / ‖g‖                     adaptive    w = θ + ρ·θ²·g / ‖θ·g‖
        θ ← the base rule's step from θ with the gradient at w

    Norms are over all parameters of a member. The loop takes two gradients a step (see `Stepper`).

    Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021, Algorithm 1
    and equation (2). Adaptive: Kwon et al., "ASAM", 2021, Algorithm 1, without its η.

    Attributes:
        base: The rule that makes the step; its rate is the rate.
        rho: ρ, ≥ 0; 0.05 in the first source, about 10 times more when adaptive.
        adaptive: Whether the neighbourhood is measured in units of the weights.
    """

    base: Rule = field(default_factory=Momentum)
    rho: NonNegative = 0.05
    adaptive: bool = False

    @property
    def elementwise(self) -> bool:
        """As the base rule; the norm is the probe's."""
        return self.base.elementwise

    @property
    def needs_probe(self) -> bool:
        """Always."""
        return True

    @property
    def averages(self) -> bool:
        """As the base rule."""
        return self.base.averages

    def peak(self, h: Columns) -> Tensor:
        """The base rule's."""
        return self.base.peak(h.base)

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """The base rule's."""
        return self.base.init(p, layout)

    def start(self, h: Columns) -> dict[str, Tensor]:
        """The base rule's."""
        return self.base.start(h.base)

    def advance(self, h: Columns, t: Tensor, s: Columns) -> dict[str, Tensor]:
        """The base rule's."""
        return self.base.advance(_of_base(h), t, s)

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """The base rule's, and ρ."""
        return {**self.base.coefficients(_of_base(h), t), "rho": h.rho}

    def probe(self, p: Tensor, g: Tensor, c: Columns) -> Tensor:
        """The point w."""
        uphill = p * g if self.adaptive else g
        norm = torch.linalg.vector_norm(uphill, dim=1, keepdim=True)
        step = c.rho / norm.clamp(min=torch.finfo(p.dtype).tiny) * uphill
        return p + (p * step if self.adaptive else step)

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """The base rule's step."""
        return self.base.step(p, g, s, c, layout)

    def evaluated(self, p: Tensor, s: Columns, h: Columns) -> Tensor:
        """The base rule's."""
        return self.base.evaluated(p, s, h.base)


def _of_base(h: Columns) -> Columns:
    return Columns({**h.base, **h})
