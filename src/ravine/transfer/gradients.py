"""Where a body wants to change: the norm of each stage's gradient relative to its weights.

    r = ‖∂ loss / ∂ θ‖ / ‖θ‖   for the parameters θ of a stage, with a fitted head, averaged over batches

Early stages ask for change where pixels look different, late ones where the classes do.
Source: Y. Lee et al., "Surgical fine-tuning improves adaptation to distribution shifts", ICLR 2023, arXiv 2210.11466,
section 5 (Auto-RGN).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ravine.models.taps import Taps

FEWEST_PICTURES, MOST_PICTURES = 128, 1_000
"""Of a quarter of all pictures, at least and at most so many are asked: a picture costs about three forward passes."""


@dataclass(frozen=True)
class GradientNorms:
    """Relative gradient norms, from the input to the output.

    Attributes:
        stages: The names of the taps at which the stages end.
        relative: The norm of each stage's gradient relative to that of its weights, [T].
        pictures: How many pictures were asked.
    """

    stages: tuple[str, ...]
    relative: tuple[float, ...]
    pictures: int

    @property
    def peak(self) -> int:
        """The stage that asks for the greatest change."""
        return int(np.argmax(self.relative))

    @property
    def sentence(self) -> str:
        """What was measured, in words."""
        share = self.relative[self.peak] / (sum(self.relative) or 1.0)
        return (
            f"With the fitted head, the weights up to {self.stages[self.peak]} ask for the greatest change "
            f"({share:.0%} of the relative gradients of all stages, over {self.pictures:,} pictures)."
        )


def gradient_norms(
    taps: Taps,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    batches: Iterable[tuple[Tensor, Tensor]],
) -> GradientNorms:
    """Ask every stage how much it would change; the body stays as it is.

    Args:
        taps: The tapped body, in evaluation mode.
        weight: Of a head fitted to the last features, [C, D_T].
        bias: [C].
        batches: Pictures [n, 3, S, S] and labels [n], where the body is; see `MOST_PICTURES`.
    """
    groups = stage_parameters(taps)
    device = next(taps.parameters()).device
    w, b = torch.from_numpy(weight).to(device), torch.from_numpy(bias).to(device)
    sizes = [_norm(group) or 1.0 for group in groups]
    total, pictures = np.zeros(len(groups)), 0
    with _trainable(taps.body), torch.enable_grad():
        for images, labels in batches:
            loss = cross_entropy(taps.body(images) @ w.T + b, labels)
            flat = torch.autograd.grad(loss, [one for group in groups for one in group], allow_unused=True)
            slopes = iter(flat)
            norms = [_norm([slope for _ in group if (slope := next(slopes)) is not None]) for group in groups]
            total += len(images) * np.array(norms) / sizes
            pictures += len(images)
    return GradientNorms(taps.names, tuple((total / max(1, pictures)).tolist()), pictures)


def stage_parameters(taps: Taps) -> list[list[nn.Parameter]]:
    """The parameters of the body up to each tap and after the one before, in the order in which modules are defined."""
    order = {name: place for place, (name, _) in enumerate(taps.body.named_modules())}
    ends = [
        max(place for name, place in order.items() if name == module or name.startswith(f"{module}."))
        for module in taps.modules_of[:-1]
    ]
    groups: list[list[nn.Parameter]] = [[] for _ in taps.names]
    for name, parameter in taps.body.named_parameters():
        place = order[name.rpartition(".")[0]]
        groups[int(np.searchsorted(ends, place))].append(parameter)
    return groups


def _norm(tensors: list[Tensor] | list[nn.Parameter]) -> float:
    return float(sum(float(one.detach().double().square().sum()) for one in tensors)) ** 0.5


@contextmanager
def _trainable(body: nn.Module) -> Iterator[None]:
    """Let gradients through for a while."""
    before = [one.requires_grad for one in body.parameters()]
    body.requires_grad_(True)
    try:
        yield
    finally:
        for one, wanted in zip(body.parameters(), before, strict=True):
            one.requires_grad_(wanted)
