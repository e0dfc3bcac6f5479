"""DropConnect: weights, instead of units, that are left out at random while training."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from numpy.polynomial.hermite import hermgauss
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, silu

from ravine.base.draws import Draws, FixedDraws, FreshDraws
from ravine.base.ranges import Count, Fraction, one_value
from ravine.moments import Technique
from ravine.regularize.hidden import hidden_layers

Activation = Literal["relu", "tanh", "sigmoid", "gelu", "silu", "identity"]
Test = Literal["gaussian", "montecarlo", "mean"]

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": gelu,
    "silu": silu,
    "identity": lambda u: u,
}
NODES = 64
"""Of the quadrature, which is less than 1e-5 off for tanh at deviations up to 2."""
DRAWN_ENTRIES = 1 << 22
"""Random numbers that are drawn at once: 16 MiB."""
CACHED_ENTRIES = 1 << 18
"""Masked weights that are multiplied at once: 1 MiB."""


@dataclass(frozen=True)
class DropConnect(Technique):
    """DropConnect, on every linear layer with an activation a behind it.

        training      y = a((M ⊙ W)x + m ⊙ b)            M, m ~ Bernoulli(1 − p), one an entry and example
        gaussian      y = E a(u)      u ~ N(q(Wx + b), pq(W²x² + b²))      q = 1 − p
        montecarlo    y = mean of a((Mₛ ⊙ W)x + mₛ ⊙ b) over fixed masks Mₛ, mₛ
        mean          y = a(q(Wx + b))

    The sum of many masked terms is nearly normal; `gaussian` gives its moments to the activation: in closed form for
    ReLU, E max(0, u) = μΦ(μ/σ) + σφ(μ/σ), by Gauss–Hermite quadrature for others. It is deterministic, costs two matrix
    products, and replaces the paper's samples from the same normal distribution. `mean` ignores that a bends; behind a
    ReLU it is far too low where μ is small beside σ.

    Helps fully connected layers, rather a little more than dropout, and takes longer to train. Suggested p: 0.5.
    A step draws N·out·in masks, and keeps them, one byte each, until the gradient is there: a layer from 784 to 256 on
    128 examples takes 26 million, 26 MB, and 0.1 to 0.3 seconds of one core, where the plain layer takes 0.002.

    Source: Wan, Zeiler, Zhang, LeCun and Fergus, "Regularization of Neural Networks using DropConnect", 2013, equations
    (2) to (5) and Algorithm 2. There p is the probability to keep; here it is the probability to drop. Many libraries
    mean something else by the name: stochastic depth in EfficientNet, dropout of the weights with one mask a batch and
    scaled as in inverted dropout in AWD-LSTM. One mask for a whole batch does not regularize enough (section 3.1).

    Attributes:
        p: Probability that a weight is dropped, in [0, 1].
        test: What is computed at test.
        samples: Masks that `montecarlo` averages over, at least 1.
    """

    p: Fraction = 0.5
    test: Test = "gaussian"
    samples: Count = 64

    def install(self, network: nn.Module, draws: Draws) -> int:
        """Linear layer and activation become one module, at the place of the linear layer, with its parameters."""
        found = hidden_layers(network)
        for layer, hidden in enumerate(found):
            p = one_value("DropConnect.p", self.p)
            new = DropConnectLayer(hidden.layer, p, hidden.function, self.test, self.samples, draws, layer)
            network.set_submodule(hidden.linear, new.train(network.training))
            network.set_submodule(hidden.activation, nn.Identity())
        return len(found)


class MaskedLinear(torch.autograd.Function):
    """(M ⊙ W)x + m ⊙ b with masks of its own for every example.

    For x [N, in], W [out, in], b [out] or None and M, m side by side as bool [N, out, in + 1] it gives [N, out]. The
    masked weights live for some examples at a time, forth and back; the masks themselves are kept.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, kept: Tensor) -> Tensor:
        """See the class."""
        ctx.save_for_backward(x, weight, kept)
        parts = [_masked(k, weight).matmul(v[..., None])[..., 0] for v, k in _parts(weight, x, kept)]
        u = torch.cat(parts)
        return u if bias is None else u + kept[..., -1] * bias

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        """(M ⊙ W)ᵀg for x, Σ M ⊙ gxᵀ for W, Σ m ⊙ g for b, over the examples."""
        (g,) = outer
        x, weight, kept = ctx.saved_tensors
        of_weight, of_x = torch.zeros_like(weight), []
        for v, k, e in _parts(weight, x, kept, g):
            of_x.append((e[:, None] @ _masked(k, weight))[:, 0])
            of_weight += _masked(k, e[..., None] * v[:, None]).sum(0)
        of_bias = (kept[..., -1] * g).sum(0) if ctx.needs_input_grad[2] else None
        return torch.cat(of_x), of_weight, of_bias, None


def _masked(kept: Tensor, entries: Tensor) -> Tensor:
    return kept[..., :-1] * entries


def _parts(weight: Tensor, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Some examples at a time, so that their masked weights stay in the cache."""
    examples = max(1, CACHED_ENTRIES // weight.numel())
    return zip(*(tensor.split(examples) for tensor in tensors), strict=True)


def moments(x: Tensor, weight: Tensor, bias: Tensor | None, p: float) -> tuple[Tensor, Tensor]:
    """Mean and variance of the masked sums over all masks, [N, out] each, for x [N, in]."""
    mean = (1 - p) * linear(x, weight, bias)
    variance = p * (1 - p) * linear(x**2, weight**2, None if bias is None else bias**2)
    return mean, variance


def expected(function: str, mean: Tensor, variance: Tensor) -> Tensor:
    """E a(u) for u ~ N(mean, variance) and an activation a, given by its name."""
    deviation = variance.clamp(min=torch.finfo(variance.dtype).tiny).sqrt()
    if function == "relu":
        z = mean / deviation
        below = 0.5 * (1 + torch.erf(z / math.sqrt(2)))
        return mean * below + deviation * torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    nodes, weights = (mean.new_tensor(numbers) for numbers in hermgauss(NODES))
    u = mean[..., None] + math.sqrt(2) * deviation[..., None] * nodes
    return FUNCTIONS[function](u) @ weights / math.sqrt(math.pi)


class DropConnectLayer(nn.Module):
    """DropConnect as a module: a linear layer and its activation; `weight` and `bias` are those of the linear layer.

    Attributes:
        test_draws: None for the test pass that `test` names. Otherwise evaluation is random (Monte-Carlo dropout), with
            one mask from these draws for all pictures of a batch.
    """

    def __init__(
        self,
        layer: nn.Linear,
        p: float,
        activation: str = "relu",
        test: Test = "gaussian",
        samples: int = 64,
        draws: Draws | None = None,
        number: int = 0,
    ) -> None:
        super().__init__()
        self.weight = layer.weight
        self.bias: Tensor | None
        self.register_parameter("bias", layer.bias)
        self.p, self.activation, self.samples, self.layer = p, activation, samples, number
        self.test: Test = test
        self.draws: Draws = draws or FreshDraws()
        self.test_draws: Draws | None = None

    def forward(self, x: Tensor) -> Tensor:
        """From [..., in] to [..., out]."""
        rows = x.reshape(-1, x.shape[-1])
        return self._rows(rows).reshape(*x.shape[:-1], -1)

    def _rows(self, x: Tensor) -> Tensor:
        function = FUNCTIONS[self.activation]
        if self.training:
            return function(self._trained(x))
        if self.test_draws:
            return function(self._with_one_mask(x, self.test_draws))
        if self.test == "montecarlo":
            return self._sampled(x)
        mean, variance = moments(x, self.weight, self.bias, self.p)
        return function(mean) if self.test == "mean" else expected(self.activation, mean, variance)

    def _trained(self, x: Tensor) -> Tensor:
        examples = max(1, DRAWN_ENTRIES // self.weight.numel())
        counts = [len(chunk) for chunk in x.split(examples)]
        kept = [self._kept(self.draws, count, x, f" {number}") for number, count in enumerate(counts)]
        return MaskedLinear.apply(x, self.weight, self.bias, torch.cat(kept))

    def _sampled(self, x: Tensor) -> Tensor:
        draws, total = FixedDraws(), x.new_zeros(x.shape[0], self.weight.shape[0])
        for draws.number in range(self.samples):
            total = total + FUNCTIONS[self.activation](self._with_one_mask(x, draws))
        return total / self.samples

    def _with_one_mask(self, x: Tensor, draws: Draws) -> Tensor:
        kept = self._kept(draws, 1, x)[0]
        bias = None if self.bias is None else kept[:, -1] * self.bias
        return linear(x, _masked(kept, self.weight), bias)

    def _kept(self, draws: Draws, examples: int, like: Tensor, chunk: str = "") -> Tensor:
        out, inputs = self.weight.shape
        return draws.uniform(f"dropconnect{chunk}", self.layer, (examples, out, inputs + 1), like) >= self.p

    def extra_repr(self) -> str:
        """Its settings."""
        out, inputs = self.weight.shape
        return f"{inputs}, {out}, p={self.p}, activation={self.activation!r}, test={self.test!r}"
