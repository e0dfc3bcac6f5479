"""Columns of hyperparameters, and members merged into a population."""

import pytest
import torch

from ravine.base.errors import PlanError
from ravine.interfaces import Columns, merge
from ravine.optim.adam import Adam
from ravine.optim.sgd import SGD
from ravine.schedules.cosine import Cosine
from ravine.schedules.warm_up import WarmUp


def test_columns_hold_one_value_a_member_in_float64() -> None:
    columns = Adam(lr=(0.1, 0.2), beta1=0.5).columns(2)
    assert columns.lr.tolist() == [[0.1], [0.2]]
    assert columns.beta1.tolist() == [[0.5], [0.5]]
    assert columns.lr.dtype == torch.float64


def test_columns_of_a_part_within_a_part() -> None:
    columns = WarmUp(Cosine(low=(0.1, 0.2)), length=0.3).columns(2)
    assert columns.then.low.tolist() == [[0.1], [0.2]]
    assert columns.length.tolist() == [[0.3], [0.3]]


def test_a_wrong_number_of_values_is_an_error() -> None:
    with pytest.raises(PlanError, match=r"SGD.lr has 2 values for 3 members"):
        SGD(lr=(0.1, 0.2)).columns(3)


def test_a_missing_column_says_which_there_are() -> None:
    with pytest.raises(AttributeError, match="no column 'rate'; there are lr"):
        _ = Columns(lr=torch.zeros(1)).rate


def test_merge_keeps_one_value_where_all_agree() -> None:
    assert merge([Adam(0.1), Adam(0.2)]) == Adam((0.1, 0.2))
    assert merge([WarmUp(Cosine(0.1)), WarmUp(Cosine(0.2))]) == WarmUp(Cosine((0.1, 0.2)))


def test_merge_refuses_different_formulas() -> None:
    with pytest.raises(PlanError, match="SGD and Adam are different formulas"):
        merge([SGD(), Adam()])
    with pytest.raises(PlanError, match=r"Adam.bias_correction is part of the formula .* \[True, False\]"):
        merge([Adam(), Adam(bias_correction=False)])
    with pytest.raises(PlanError, match="Cosine and WarmUp are different formulas"):
        merge([WarmUp(Cosine()), WarmUp(WarmUp())])
