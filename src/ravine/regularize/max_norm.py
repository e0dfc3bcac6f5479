"""Max-norm: a bound on the weights that come into each unit."""

from dataclasses import dataclass

from torch import Tensor

from ravine.base.layout import Layout
from ravine.base.ranges import Positive, one_value
from ravine.moments import Technique


@dataclass(frozen=True)
class MaxNorm(Technique):
    """Max-norm, after every step and for every unit.

        w ← w·min(1, c/‖w‖₂)

    w is the row of a weight matrix that belongs to one unit, or one filter of a convolution; biases and norms stay as
    they are. Unlike L2 it leaves small weights alone, and it makes large learning rates safe, which suits dropout.
    Suggested c: 3 to 4. Fresh layers here have ‖w‖ near 0.6, so that c acts late in a run unless it is smaller; in
    front of batch norm it changes the effective learning rate and nothing else.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014, section 5.1.
    Keras's `MaxNorm` bounds columns by default, because its matrices are [in, out], and wants other axes for a
    convolution. Weights of an optimizer that evaluates an average are bounded before they are averaged.

    Attributes:
        limit: c, > 0.
    """

    limit: Positive = 3.0

    def after(self, theta: Tensor, layout: Layout) -> Tensor:
        """The weights [K, P] with every unit within the bound."""
        bounded, limit = theta.clone(), one_value("MaxNorm.limit", self.limit)
        for slot, weight in zip(layout.slots, layout.split(bounded).values(), strict=True):
            if slot.kind == "weight" and len(slot.shape) > 1:
                weight.copy_(within(weight, limit))
        return bounded


def within(weight: Tensor, limit: float) -> Tensor:
    """Scale units down to a norm of at most `limit`.

    Args:
        weight: [K, units, …].
        limit: c, > 0.

    Example:
        >>> import torch
        >>> within(torch.tensor([[[3.0, 4.0], [0.3, 0.4]]]), 1.0)
        tensor([[[0.6000, 0.8000], [0.3000, 0.4000]]])
    """
    factor = (limit / weight.flatten(2).norm(dim=2)).clamp(max=1)
    return weight * factor.view(*factor.shape, *[1] * (weight.dim() - 2))
