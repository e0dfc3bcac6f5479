"""The network of which stages are trained: part of a pretrained body, and a head that was fitted first.

Source: A. Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution", ICLR 2022,
arXiv 2202.10054 (LP-FT): where the head is fitted before the body is trained, the body's features change less.
"""

from collections import OrderedDict
from copy import deepcopy
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as AnyBatchNorm

from ravine.models.architecture import Architecture
from ravine.moments import Site


class Tuned(nn.Sequential):
    """Stages of a body, and a linear head; children are named as in a whole network of timm with a head.

    Batch norms keep the statistics of the pretraining and stay in evaluation mode; their scale and shift are trained.
    """

    def __init__(self, suffix: nn.Module, weight: NDArray, bias: NDArray) -> None:
        """Copy the stages.

        Args:
            suffix: From maps, or pictures, to features [N, D].
            weight: Of the head, [C, D].
            bias: [C].
        """
        head = nn.Linear(weight.shape[1], weight.shape[0])
        head.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        body = deepcopy(suffix).requires_grad_(True)
        parts = {"input": Site("input"), "body": body, "before_head": Site("before_head"), "head": head}
        super().__init__(OrderedDict(parts))

    def train(self, mode: bool = True) -> "Tuned":
        """As usual, except for batch norms."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, AnyBatchNorm):
                module.eval()
        return self

    def whole(self, body: nn.Module) -> nn.Module:
        """The same with all stages, from pictures to logits.

        Args:
            body: The pretrained body; it is copied.
        """
        copy = deepcopy(body)
        copy.load_state_dict(self.get_submodule("body").state_dict(), strict=False)
        parts = OrderedDict(self.named_children())
        parts["body"] = copy
        return nn.Sequential(parts)


def whole(network: nn.Module, body: nn.Module) -> nn.Module:
    """What answers after training, alone or as several networks, with all stages of the body in each.

    Args:
        network: A `Tuned`, or something that holds some; it is changed.
        body: The pretrained body.
    """
    if isinstance(network, Tuned):
        return network.whole(body)
    for name, module in list(network.named_modules()):
        if isinstance(module, Tuned):
            network.set_submodule(name, module.whole(body))
    return network


@dataclass(frozen=True, eq=False)
class Prepared(Architecture):
    """A network that is there already: every member begins as a copy of it.

    Attributes:
        network: From what was stored of pictures to logits.
    """

    network: nn.Module

    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        """A copy; see `Architecture.build`."""
        del channels, size, classes
        return deepcopy(self.network)
