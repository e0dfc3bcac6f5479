"""Heads side by side against the same heads one by one, and against autograd."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from ravine.optim.second_order.softmax_head import SoftmaxHeads

GENERATOR = torch.Generator().manual_seed(0)
EXAMPLES, WIDTH, CLASSES, HEADS = 11, 4, 3, 5
FEATURES = torch.randn(EXAMPLES, WIDTH, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.randint(0, CLASSES, (EXAMPLES,), generator=GENERATOR)


@pytest.mark.parametrize("weighted", [1, HEADS])
@pytest.mark.parametrize("penalties", [1, HEADS])
def test_values_are_those_of_the_heads_one_by_one(weighted: int, penalties: int) -> None:
    weights = torch.rand(weighted, EXAMPLES, generator=GENERATOR, dtype=torch.float64)
    l2 = torch.rand(penalties, generator=GENERATOR, dtype=torch.float64)
    heads = SoftmaxHeads(FEATURES, LABELS, CLASSES, l2, weights)
    rows = torch.tensor([3, 0, 4])
    theta, vectors = torch.randn(2, 3, heads.parameters, generator=GENERATOR, dtype=torch.float64)
    found = (*heads(theta, rows), heads.product(theta, rows, vectors), heads.diagonal(theta, rows))
    for place, row in enumerate(rows.tolist()):
        own = weights[row % weighted][None]
        alone = SoftmaxHeads(FEATURES, LABELS, CLASSES, l2[row % penalties], own)
        first, x, v = torch.tensor([0]), theta[place][None], vectors[place][None]
        expected = (*alone(x, first), alone.product(x, first, v), alone.diagonal(x, first))
        for got, wanted in zip(found, expected, strict=True):
            assert torch.allclose(got[place], wanted[0], rtol=1e-10)


def test_the_gradient_is_that_of_autograd() -> None:
    heads = SoftmaxHeads(FEATURES, LABELS, CLASSES, 0.3, torch.full((1, EXAMPLES), 1 / EXAMPLES))
    theta = torch.randn(1, heads.parameters, generator=GENERATOR, dtype=torch.float64, requires_grad=True)
    weight, bias = theta[0, :-CLASSES].reshape(CLASSES, WIDTH), theta[0, -CLASSES:]
    value = cross_entropy(FEATURES @ weight.T + bias, LABELS) + 0.15 * weight.square().sum()
    (expected,) = torch.autograd.grad(value, theta)
    with torch.no_grad():
        loss, gradient = heads(theta, torch.tensor([0]))
    assert loss.item() == pytest.approx(value.item(), rel=1e-6)
    assert torch.allclose(gradient, expected, rtol=1e-5, atol=1e-7)
