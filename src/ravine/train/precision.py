"""Which numbers a network computes with: those of its parameters, or bfloat16 where a device has instructions for it.

Under `torch.autocast` parameters, their gradients, batch-norm statistics and the loss stay in float32; products and
convolutions take and give bfloat16, which keeps two to three decimal digits and the range of float32.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ravine.base.errors import PlanError
from ravine.device.instructions import has_bfloat16

Precision = Literal["full", "bfloat16"]


def check_precision(precision: Precision, device: torch.device | str) -> None:
    """Refuse bfloat16 where it would only be imitated.

    Raises:
        PlanError: The device has no instructions for it.
    """
    if precision == "bfloat16" and not has_bfloat16(device):
        raise PlanError(
            f"precision = 'bfloat16' would be dozens of times slower here: this {torch.device(device).type} has no "
            "instructions for it. Choose precision = 'full'."
        )


def mean_loss(network: nn.Module, pixels: Tensor, targets: Tensor, precision: Precision = "full") -> Tensor:
    """The mean cross-entropy of a batch, a scalar.

    Args:
        network: From pictures to logits.
        pixels: Pictures [N, C, S, S] in the type of the parameters.
        targets: int64 [N], or probabilities [N, classes].
        precision: Of the network; the loss is computed in the type of the pictures.
    """
    if precision == "full":
        z = network(pixels)
    else:
        with torch.autocast(pixels.device.type, torch.bfloat16):
            z = network(pixels).to(pixels.dtype)
    return cross_entropy(z, targets if targets.ndim == 1 else targets.to(z.dtype))
