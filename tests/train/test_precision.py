"""Which numbers a network computes with."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ravine.base.errors import PlanError
from ravine.train import precision
from ravine.train.precision import check_precision, mean_loss


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_full_precision_is_that_of_the_parameters(dtype):
    network, x = nn.Linear(4, 3).to(dtype), torch.rand(5, 4, dtype=dtype)
    y = torch.tensor([0, 1, 2, 0, 1])
    loss = mean_loss(network, x, y)
    assert loss.dtype == dtype
    assert torch.equal(loss, cross_entropy(network(x), y))
    shares = nn.functional.one_hot(y, 3).to(torch.float32)
    assert torch.allclose(mean_loss(network, x, shares), loss)


def test_bfloat16_is_near_and_gradients_stay_in_float32():
    network, x, y = nn.Linear(4, 3), torch.rand(5, 4), torch.tensor([0, 1, 2, 0, 1])
    loss = mean_loss(network, x, y, "bfloat16")
    loss.backward()
    full = mean_loss(network, x, y)
    assert loss.dtype == torch.float32
    assert network.weight.grad is not None
    assert network.weight.grad.dtype == torch.float32
    assert loss.item() != full.item()
    assert loss.item() == pytest.approx(full.item(), rel=0.02)


def test_where_there_are_no_instructions_it_is_refused(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: False)
    check_precision("full", "cpu")
    with pytest.raises(PlanError, match=r"this cpu has no instructions for it\. Choose precision = 'full'"):
        check_precision("bfloat16", "cpu")
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: True)
    check_precision("bfloat16", "cpu")
