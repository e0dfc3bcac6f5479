"""Pooled features after each stage of a pretrained body: where a body can be tapped.

Early stages see edges and colours, late ones objects; which of them tells the classes apart best says how similar the
pictures are to those that the body was trained on.
"""

from typing import Any

import torch
from torch import nn

from ravine.base.errors import PlanError
from ravine.models.taps import Taps, pooled, refusal, spread_stages, stage_modules


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
    modules = stage_modules(body)
    stages = spread_stages(len(modules))
    like = next(body.parameters())
    probe = torch.linspace(-1, 1, 3 * size * size, device=like.device, dtype=like.dtype).reshape(1, 3, size, size)
    with torch.inference_mode():
        try:
            *early, last = pooled(body, probe, stages)
            own = body(probe)
        except (RuntimeError, AssertionError, TypeError, ValueError) as wrong:
            raise refusal(body, f"its stages gave no features of pictures of {size} pixels ({wrong})") from wrong
    if last.shape != own.shape or not torch.allclose(last, own, rtol=1e-3, atol=1e-4):
        raise refusal(body, "its stages do not lead to its own answer")
    if early[-1].shape == last.shape and torch.allclose(early[-1], last, rtol=1e-4, atol=1e-5):
        stages, early = stages[:-1], early[:-1]
    widths = tuple(one.shape[1] for one in (*early, last))
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
