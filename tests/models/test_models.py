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


@given(st.integers(8, 64))
def test_small_cnn_leaves_at_most_eight_pixels(size):
    features = SmallCNN(width=2, depth=3).build(1, size, 2)[:-3](torch.rand(2, 1, size, size))
    assert 4 <= features.shape[-1] <= 8


def test_sizes_have_ranges():
    with pytest.raises(PlanError, match=r"MLP.width = 0 is outside its range. Choose a number in \[1, ∞\)"):
        MLP(width=0)
