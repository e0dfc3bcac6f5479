"""The loss over all pictures at once: exact value, gradient and Hessian–vector products of every member.

    fₖ(θ) = (1/N) Σₙ −log softmax(networkₖ(xₙ; θ))[yₙ] + penalties(θ)

It is what a full-batch minimizer asks for. Pictures pass in chunks of a fixed size and order, so that asking twice
gives the same bits. Batch norm uses the statistics of a chunk.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from ravine.base.errors import PlanError
from ravine.data.batches import channels_first
from ravine.data.preprocess import Preprocess
from ravine.interfaces import Columns, Penalty
from ravine.train.state import Population


@dataclass
class FullBatch:
    """A closure for minimizers; see `ravine.optim.second_order.minimizer.Closure`.

    Attributes:
        population: The members; their rows of theta are where the loss was last asked for.
        images: uint8 [M, S, S, C], the pack.
        labels: int64 [M].
        indices: The pictures of the loss.
        picture: How pixels become tensors.
        penalties: Terms with a gradient; a proximal one is refused.
        chunk: Pictures that pass at once.
        advance: Called once an evaluation.
    """

    population: Population
    images: Tensor
    labels: Tensor
    indices: NDArray[np.int64]
    picture: Preprocess
    penalties: Sequence[Penalty] = ()
    chunk: int = 1024
    advance: Callable[[int], object] = lambda _: None
    _columns: list[Columns] = field(init=False)

    def __post_init__(self) -> None:
        for penalty in self.penalties:
            if type(penalty).gradient is Penalty.gradient:
                raise PlanError(
                    f"{type(penalty).__name__} acts beside the gradient, and a minimizer sees the gradient alone. "
                    "Choose penalty=l2, or an update rule as the optimizer."
                )
        population = self.population
        self._columns = [penalty.columns(population.members, population.theta.device) for penalty in self.penalties]
        self._penalized = population.layout.penalized(population.theta.device)
        for network in population.networks:
            network.train()

    def __call__(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The loss [k] and the gradient [k, P] of the members `rows` at theta [k, P]."""
        population = self.population
        with torch.no_grad():
            population.theta[rows] = theta
            population.gradient.zero_()
        losses = theta.new_zeros(len(rows))
        for x, y in self._chunks():
            for place, row in enumerate(rows.tolist()):
                loss = cross_entropy(population.networks[row](x), y, reduction="sum") / len(self.indices)
                loss.backward()
                losses[place] += loss.detach()
        self.advance(1)
        value, slope = self._penalty(theta, rows)
        return losses + value, population.gradient[rows] + slope

    def product(self, theta: Tensor, rows: Tensor, vectors: Tensor) -> Tensor:
        """The Hessian of each member at theta [k, P] times its vector [k, P], by differentiating twice."""
        population = self.population
        with torch.no_grad():
            population.theta[rows] = theta
        products = torch.zeros_like(vectors)
        for x, y in self._chunks():
            for place, row in enumerate(rows.tolist()):
                products[place] += self._product(row, x, y, vectors[place])
        for penalty, own, mask in self._terms(rows, theta.dtype):
            change = penalty.gradient(vectors * mask, own)  # linear in the weights, so that it is its own Hessian
            products = products if change is None else products + change
        return products

    def _product(self, row: int, x: Tensor, y: Tensor, vector: Tensor) -> Tensor:
        network = self.population.networks[row]
        parameters = [network.get_parameter(slot.name) for slot in self.population.layout.slots]
        loss = cross_entropy(network(x), y, reduction="sum") / len(self.indices)
        slopes = torch.autograd.grad(loss, parameters, create_graph=True)
        flat = torch.cat([slope.reshape(-1) for slope in slopes])
        again = torch.autograd.grad(flat @ vector, parameters)
        return torch.cat([part.reshape(-1) for part in again])

    def _penalty(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        value, slope = theta.new_zeros(len(rows)), torch.zeros_like(theta)
        for penalty, own, mask in self._terms(rows, theta.dtype):
            value = value + penalty.value(theta * mask, own)
            change = penalty.gradient(theta * mask, own)
            slope = slope if change is None else slope + change
        return value, slope

    def _terms(self, rows: Tensor, dtype: torch.dtype) -> Iterator[tuple[Penalty, Columns, Tensor]]:
        """Each penalty with its hyperparameters for these members, and the mask [P] of where it acts."""
        for penalty, columns in zip(self.penalties, self._columns, strict=True):
            own = Columns({name: column[rows].to(dtype) for name, column in columns.items()})
            yield penalty, own, torch.ones_like(self._penalized) if penalty.biases_and_norms else self._penalized

    def _chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        dtype, device = self.population.theta.dtype, self.images.device
        for start in range(0, len(self.indices), self.chunk):
            rows = torch.from_numpy(self.indices[start : start + self.chunk]).to(device)
            images = channels_first(self.images.index_select(0, rows))
            yield self.picture.normalise(images).to(dtype), self.labels.index_select(0, rows)
