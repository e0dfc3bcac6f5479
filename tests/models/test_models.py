import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.base.errors import PlanError
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN


@given(st.integers(1, 3), st.sampled_from([1, 3]), st.integers(8, 40), st.integers(2, 7))
def test_logits_for_every_class(depth, channels, size, classes):
    x = torch.rand(2, channels, size, size)
    for architecture in (MLP(width=5, depth=depth), SmallCNN(width=2, depth=depth)):
        assert architecture.build(channels, size, classes)(x).shape == (2, classes)


def test_too_small_a_picture_is_an_error_that_says_how_large():
    with pytest.raises(PlanError, match="at least 16 pixels, these have 8"):
        SmallCNN(depth=4).build(1, 8, 2)


def test_sizes_have_ranges():
    with pytest.raises(PlanError, match=r"MLP.width = 0 is outside its range. Choose a number in \[1, ∞\)"):
        MLP(width=0)
