"""A body that answers the features of several depths, all from one forward pass."""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ravine.base.errors import PlanError

MOST_STAGES = 5


class Taps(nn.Module):
    """A body that answers the features of several depths side by side, [n, D₁ + … + D_T].

    Each is the mean over all places of a stage's output; the last one is what the body itself answers.

    Attributes:
        body: The network that is tapped.
        names: The names of the T taps, from the input to the output; the last is "last".
        modules_of: The module of the body after which each tap is taken; "" for the last.
        widths: D₁ … D_T.
    """

    def __init__(self, body: Any, stages: list[int], modules_of: tuple[str, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body
        self.stages = stages
        self.modules_of = modules_of
        self.widths = widths
        self.names = (*(f"stage {place}" for place in range(1, len(stages) + 1)), "last")

    @property
    def columns(self) -> tuple[slice, ...]:
        """Where the features of each tap stand."""
        ends = np.cumsum([0, *self.widths]).tolist()
        return tuple(slice(start, end) for start, end in pairwise(ends))

    def forward(self, pictures: Tensor) -> Tensor:
        """Features [n, D₁ + … + D_T] of pictures [n, 3, S, S]."""
        return torch.cat(pooled(self.body, pictures, self.stages), 1)


def tapped_alike(body: Any, size: int, width: int) -> Taps:
    """Tap a body whose numbers are still to come, such as one on torch's meta device, as it was tapped before.

    Whether the last stage has a tap of its own is told by how many features there were.

    Args:
        body: A network of timm without a head.
        size: S, the pixels of the pictures that it will see.
        width: D₁ + … + D_T.

    Raises:
        PlanError: The taps of this body have another width.

    Example:
        >>> from ravine.models.backbone import Backbone
        >>> with torch.device("meta"):
        ...     body = Backbone("test_resnet", "random").build(3, 32, 2).get_submodule("body").eval()
        ...     tapped_alike(body, 32, 400).widths
        (32, 32, 48, 192, 96)
    """
    modules = stage_modules(body)
    stages = spread_stages(len(modules))
    with torch.inference_mode():
        *early, last = (one.shape[1] for one in pooled(body, torch.zeros(1, 3, size, size), stages))
    for kept in (len(stages), len(stages) - 1):
        widths = (*early[:kept], last)
        if sum(widths) == width:
            return Taps(body, stages[:kept], (*(modules[stage] for stage in stages[:kept]), ""), widths)
    raise PlanError(f"{type(body).__name__} gives {sum(early) + last} features at its depths, and not {width}.")


def spread_stages(count: int) -> list[int]:
    """At most five of so many stages, evenly spread, with the first and the last.

    Example:
        >>> spread_stages(12)
        [0, 3, 6, 8, 11]
    """
    return np.unique(np.linspace(0, count - 1, min(MOST_STAGES, count)).round().astype(int)).tolist()


def stage_modules(body: Any) -> list[str]:
    """The names of the modules that timm counts as stages.

    Raises:
        PlanError: It does not say.
    """
    told = getattr(body, "feature_info", None)
    if not told or not hasattr(body, "forward_intermediates") or not hasattr(body, "forward_head"):
        raise refusal(body, "timm does not say where its stages end")
    return [stage["module"] for stage in told]


def pooled(body: Any, pictures: Tensor, stages: list[int]) -> list[Tensor]:
    """The mean of each stage over its places, [n, D], and the body's own answer."""
    final, maps = body.forward_intermediates(pictures, indices=stages, output_fmt="NCHW")
    return [*(one.mean((2, 3)) for one in maps), body.forward_head(final)]


def refusal(body: object, reason: str) -> PlanError:
    """That a body cannot be tapped, and why."""
    return PlanError(
        f"{type(body).__name__} cannot be tapped: {reason}. Choose another backbone, or a head on its last features."
    )
