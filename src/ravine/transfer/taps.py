"""Pooled features after each stage of a pretrained body, all from one forward pass.

Early stages see edges and colours, late ones objects; which of them tells the classes apart best says how similar the
pictures are to those that the body was trained on.
"""

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
        return torch.cat(_pooled(self.body, pictures, self.stages), 1)


def tap(body: Any, size: int) -> Taps:
    """Tap a body of timm after at most five stages, evenly spread, and at its end.

    A stage whose mean is the body's own answer, as the last one of a ResNet, is left out.

    Args:
        body: A network of timm without a head, as `Backbone.load_pretrained` gives it.
        size: S, the pixels of the pictures that it will see.

    Raises:
        PlanError: The network does not give the outputs of its stages.

    Example:
        >>> from ravine.models.backbone import Backbone
        >>> tap(Backbone("test_resnet", "random").load_pretrained(), 32).widths
        (32, 32, 48, 192, 96)
    """
    modules = _stage_modules(body)
    stages = np.unique(np.linspace(0, len(modules) - 1, min(MOST_STAGES, len(modules))).round().astype(int)).tolist()
    like = next(body.parameters())
    probe = torch.linspace(-1, 1, 3 * size * size, device=like.device, dtype=like.dtype).reshape(1, 3, size, size)
    with torch.inference_mode():
        try:
            *pooled, last = _pooled(body, probe, stages)
            own = body(probe)
        except (RuntimeError, AssertionError, TypeError, ValueError) as wrong:
            raise _refusal(body, f"its stages gave no features of pictures of {size} pixels ({wrong})") from wrong
    if last.shape != own.shape or not torch.allclose(last, own, rtol=1e-3, atol=1e-4):
        raise _refusal(body, "its stages do not lead to its own answer")
    if pooled[-1].shape == last.shape and torch.allclose(pooled[-1], last, rtol=1e-4, atol=1e-5):
        stages, pooled = stages[:-1], pooled[:-1]
    widths = tuple(one.shape[1] for one in (*pooled, last))
    return Taps(body, stages, (*(modules[stage] for stage in stages), ""), widths).train(body.training)


def tapped(body: nn.Module, size: int) -> tuple[nn.Module, slice]:
    """A body with its taps where it can be tapped, else as it is; and where its last features stand.

    Args:
        body: A network of timm without a head.
        size: S, the pixels of the pictures that it will see.
    """
    try:
        taps = tap(body, size)
    except PlanError:
        return body, slice(None)
    return taps, taps.columns[-1]


def _stage_modules(body: Any) -> list[str]:
    """The names of the modules that timm counts as stages."""
    told = getattr(body, "feature_info", None)
    if not told or not hasattr(body, "forward_intermediates") or not hasattr(body, "forward_head"):
        raise _refusal(body, "timm does not say where its stages end")
    return [stage["module"] for stage in told]


def _pooled(body: Any, pictures: Tensor, stages: list[int]) -> list[Tensor]:
    """The mean of each stage over its places, [n, D], and the body's own answer."""
    final, maps = body.forward_intermediates(pictures, indices=stages, output_fmt="NCHW")
    return [*(one.mean((2, 3)) for one in maps), body.forward_head(final)]


def _refusal(body: object, reason: str) -> PlanError:
    return PlanError(
        f"{type(body).__name__} cannot be tapped: {reason}. Choose another backbone, or a head on its last features."
    )
