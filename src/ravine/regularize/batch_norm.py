"""Batch norm: activations with mean 0 and variance 1 within a batch; as a switch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.nn.modules.batchnorm import _BatchNorm as AnyBatchNorm

from ravine.base.draws import Draws
from ravine.base.ranges import Fraction, Positive, one_value
from ravine.moments import Technique
from ravine.regularize.hidden import hidden_layers


@dataclass(frozen=True)
class BatchNorm(Technique):
    """Batch norm, with statistics μ, σ² of each channel over the batch (and over all positions).

        training    y = γ·(x − μ)/√(σ² + ε) + β         σ² divides by n
        running     μ̄ ← (1 − m)·μ̄ + m·μ                σ̄² ← (1 − m)·σ̄² + m·σ²·n/(n − 1)
        test        y = γ·(x − μ̄)/√(σ̄² + ε) + β

    `on` gives one to every linear layer with an activation behind it; its bias takes the place of β, and γ is left out:
    behind a ReLU, the next layer's weights can take its place. Norms that a network has already keep their parameters,
    with this momentum and ε. `off` takes the normalization out of them: y = γ·x + β remains, so that the network has
    the same parameters, and starts from the same ones, with and without. A pretrained body does not work without.

    Helps nearly every convolution network: larger learning rates, less dependence on the initialization. Batches of
    fewer than some 16 pictures make its statistics noisy. Suggested m: 0.1; more for short runs.

    Source: Ioffe and Szegedy, "Batch Normalization", 2015, Algorithms 1 and 2, with a moving average for the paper's
    mean over batches at the end (`reestimate` computes that). m weighs the new value, as in PyTorch; in Keras it weighs
    the old one. The running variance is the unbiased one, as in the paper and in PyTorch; Keras keeps the biased one.

    Attributes:
        state: Whether there are batch norms.
        momentum: m, in [0, 1].
        eps: ε, > 0.
    """

    state: Literal["on", "off"] = "on"
    momentum: Fraction = 0.1
    eps: Positive = 1e-5

    def install(self, network: nn.Module, draws: Draws) -> int:
        """Put norms in, or take them out; before the buffers are moved to the rows of a population.

        Returns:
            How many layers are now different.
        """
        del draws
        norms = [(name, norm) for name, norm in network.named_modules() if isinstance(norm, AnyBatchNorm)]
        if self.state == "off":
            for name, norm in norms:
                network.set_submodule(name, Unnormalised(norm).train(norm.training))
            return len(norms)
        momentum, eps = one_value("BatchNorm.momentum", self.momentum), one_value("BatchNorm.eps", self.eps)
        other = [norm for _, norm in norms if (norm.momentum, norm.eps) != (momentum, eps)]
        for norm in other:
            norm.momentum, norm.eps = momentum, eps
        hidden = hidden_layers(network)
        for found in hidden:
            layer = NormalisedLinear(found.layer, momentum, eps).train(network.training)
            network.set_submodule(found.linear, layer)
        return len(other) + len(hidden)


def batch_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """The training pass.

    Args:
        x: [N, C, …].
        weight: γ, [C].
        bias: β, [C].
        eps: ε.

    Returns:
        y, and the mean and the unbiased variance [C] for the running statistics.
    """
    others = [axis for axis in range(x.dim()) if axis != 1]
    shape = (1, -1, *[1] * (x.dim() - 2))
    mean, variance = x.mean(others), x.var(others, correction=0)
    standard = (x - mean.view(shape)) / torch.sqrt(variance.view(shape) + eps)
    n = x.numel() // x.shape[1]
    return weight.view(shape) * standard + bias.view(shape), mean, variance * n / (n - 1)


class NormalisedLinear(nn.Module):
    """Batch norm of Wx, plus b; `weight` and `bias` are those of the linear layer that it replaces."""

    def __init__(self, layer: nn.Linear, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = layer.weight
        self.bias: Tensor | None
        self.register_parameter("bias", layer.bias)
        like = {"device": layer.weight.device, "dtype": layer.weight.dtype}
        self.norm = nn.BatchNorm1d(layer.out_features, eps, momentum, affine=False, **like)

    def forward(self, x: Tensor) -> Tensor:
        """From [N, in] to [N, out]."""
        y = self.norm(linear(x, self.weight))
        return y if self.bias is None else y + self.bias


class Unnormalised(nn.BatchNorm2d):
    """γ·x + β: a batch norm without the normalization, with the same parameters and buffers under the same names.

    What a norm does apart from that, such as the activation in some of timm's, is still done.
    """

    def __init__(self, norm: AnyBatchNorm) -> None:
        super().__init__(norm.num_features, affine=False, track_running_stats=False)
        self.affine = norm.affine
        for name, parameter in norm.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, buffer in norm.named_buffers(recurse=False):
            self.register_buffer(name, buffer)
        for name, child in norm.named_children():
            self.add_module(name, child)

    def forward(self, *args: Tensor, **kwargs: Tensor) -> Tensor:
        """From [N, C, …] to the same shape."""
        (y,) = *args, *kwargs.values()
        shape = (1, -1, *[1] * (y.dim() - 2))
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        for child in self.children():
            y = child(y)
        return y


@torch.no_grad()
def reestimate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Compute the running statistics anew, for weights that no training pass has seen, such as an average.

    Each is the mean over all batches, weighted by their pictures; `torch.optim.swa_utils.update_bn` weighs a short
    last batch like the others. Only norms run as in training; dropout and its like are as at test, where the statistics
    will be used.

    Args:
        network: Changed in its buffers alone.
        batches: Pictures as the network reads them, at least two in each; together those that it was trained on.
    """
    norms = [module for module in network.modules() if isinstance(module, AnyBatchNorm) and module.track_running_stats]
    if not norms:
        return
    modes = {module: module.training for module in network.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    network.eval()
    for norm in norms:
        norm.training = True
    seen = 0
    for batch in batches:
        seen += len(batch)
        for norm in norms:
            norm.momentum = len(batch) / seen
        network(batch)
    for norm, momentum in momenta.items():
        norm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode
