"""The hidden layers of a network: linear layers with an activation right behind them."""

from itertools import pairwise
from typing import NamedTuple

from torch import nn

NAMES: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.SiLU: "silu"}


class Hidden(NamedTuple):
    """A linear layer and its activation: the layer, both names in the network, and the name of the function."""

    layer: nn.Linear
    linear: str
    activation: str
    function: str


def hidden_layers(network: nn.Module) -> list[Hidden]:
    """Find them in every `nn.Sequential`; the head is none of them, since no activation follows it.

    Example:
        >>> for hidden in hidden_layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))):
        ...     print(hidden.linear, hidden.activation, hidden.function)
        0 1 relu
    """
    found = []
    for name, container in network.named_modules():
        if type(container) is not nn.Sequential:
            continue
        children = list(container.named_children())
        stem = f"{name}." if name else ""
        for (first, layer), (second, activation) in pairwise(children):
            if isinstance(layer, nn.Linear) and type(activation) in NAMES:
                found.append(Hidden(layer, stem + first, stem + second, NAMES[type(activation)]))
    return found
