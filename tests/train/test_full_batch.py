import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from training import CLASSES, IMAGES, LABELS, PICTURE, SIZE, TRAIN

from ravine.base.errors import PlanError
from ravine.data.batches import channels_first
from ravine.models.mlp import MLP
from ravine.penalties.l1 import L1
from ravine.penalties.l2 import L2
from ravine.train.full_batch import FullBatch
from ravine.train.state import PictureShape, Population

STRENGTH = 0.3
ROWS = torch.tensor([0, 1])


def closure(chunk: int = 1024, penalty: L2 | L1 | None = None) -> FullBatch:
    population = Population(MLP(width=4, depth=1), PictureShape(1, SIZE, CLASSES), [0, 1], dtype=torch.float64)
    penalties = (penalty,) if penalty else (L2(STRENGTH),)
    images, labels = torch.from_numpy(IMAGES), torch.from_numpy(LABELS)
    return FullBatch(population, images, labels, TRAIN, PICTURE, penalties, chunk)


def reference(loss: FullBatch, row: int):
    """The loss of one member as a function of its row of theta, over all pictures at once."""
    network, layout = loss.population.networks[row], loss.population.layout
    x = PICTURE.normalise(channels_first(torch.from_numpy(IMAGES[TRAIN]))).double()
    mask = layout.penalized()

    def fun(theta: Tensor) -> Tensor:
        values = {name: value[0] for name, value in layout.split(theta[None]).items()}
        z = torch.func.functional_call(network, values, (x,))
        return cross_entropy(z, torch.from_numpy(LABELS[TRAIN])) + 0.5 * STRENGTH * (theta * mask).square().sum()

    return fun


@pytest.mark.parametrize("chunk", [7, 1024])
def test_value_gradient_and_products_equal_autograd_over_everything(chunk):
    loss = closure(chunk)
    theta = loss.population.theta.clone()
    vectors = torch.randn(theta.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values, gradients = loss(theta, ROWS)
    products = loss.product(theta, ROWS, vectors)
    for row in range(2):
        fun = reference(loss, row)
        assert values[row].item() == pytest.approx(fun(theta[row]).item(), abs=1e-12)
        assert torch.allclose(gradients[row], torch.func.grad(fun)(theta[row]), atol=1e-12)
        _, expected = torch.autograd.functional.hvp(fun, theta[row], vectors[row])
        assert torch.allclose(products[row], expected, atol=1e-12)


def test_a_subset_of_members_may_be_asked_for():
    loss = closure()
    theta = loss.population.theta.clone()
    whole, part = loss(theta, ROWS), loss(theta[1:], torch.tensor([1]))
    assert torch.equal(whole[0][1:], part[0])
    assert torch.equal(whole[1][1:], part[1])


def test_a_penalty_that_acts_beside_the_gradient_is_refused():
    with pytest.raises(PlanError, match="Choose penalty=l2"):
        closure(penalty=L1(0.1))
