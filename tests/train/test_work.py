"""What a step asks for."""

import pytest
import torch
from torch import nn

from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.train.work import work_of


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 5))


def test_arithmetic_of_a_linear_layer_is_two_a_weight_and_picture():
    assert work_of(linear(), (3, 2, 2), 7, backward=False).arithmetic == 2 * 7 * 12 * 5
    assert work_of(linear(), (3, 2, 2), 7).arithmetic == 2 * (2 * 7 * 12 * 5)  # no gradient of the pictures


def test_arithmetic_of_convolutions():
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(4 * 36, 2))
    expected = 2 * 5 * (36 * 9 * 3 * 4 + 4 * 36 * 2)
    assert work_of(network, (3, 6, 6), 5, backward=False).arithmetic == expected


def test_bytes_are_what_is_read_and_written():
    moved = work_of(nn.Sequential(nn.Linear(12, 5, bias=False)), (12,), 7, backward=False).moved
    assert moved == 4 * (7 * 12 + 12 * 5 + 7 * 5)


@pytest.mark.parametrize("architecture", [MLP(width=8), SmallCNN(width=4)])
def test_operations_do_not_depend_on_the_batch_and_the_rest_is_a_straight_line(architecture):
    network = architecture.build(1, 16, 3)
    one, two, three = (work_of(network, (1, 16, 16), size) for size in (10, 20, 30))
    assert one.operations == two.operations == three.operations > 0
    assert two.arithmetic - one.arithmetic == pytest.approx(three.arithmetic - two.arithmetic)
    assert two.moved - one.moved == pytest.approx(three.moved - two.moved)


def test_the_line_meets_a_batch_that_is_counted():
    network = SmallCNN(width=4).build(1, 16, 3)
    from ravine.train import work

    counted = work._counted(network, (9, 1, 16, 16), True)
    found = work_of(network, (1, 16, 16), 9)
    assert (found.operations, found.arithmetic) == (counted.operations, counted.arithmetic)
    assert found.moved == pytest.approx(counted.moved)


def test_gradients_that_are_there_are_kept_where_they_are():
    network = linear()
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = [parameter.grad.data_ptr() for parameter in network.parameters() if parameter.grad is not None]
    work_of(network, (3, 2, 2), 7)
    assert [p.grad.data_ptr() for p in network.parameters() if p.grad is not None] == before
