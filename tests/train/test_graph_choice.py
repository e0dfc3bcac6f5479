"""When a static graph repays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.train.graph_choice import GAIN, Timing, compile_seconds, gains, why_not

seconds = st.floats(1e-4, 1e3)


@pytest.mark.parametrize(("architecture", "layers"), [(MLP(), 3), (SmallCNN(), 7), (Residual(), 31)])
def test_compiling_is_assumed_to_take_longer_for_more_layers(architecture, layers):
    assert compile_seconds(architecture.build(1, 28, 10)) == 12 + layers
    assert compile_seconds(nn.ReLU()) == 12


def test_a_cpu_needs_so_many_steps_before_a_first_try():
    assert why_not(0.0124, 51_000, None, 19.0, "cpu")
    assert why_not(0.0124, 52_000, None, 19.0, "cpu") is None
    assert why_not(0.0124, 6_000, None, 19.0, "cuda") is None


@given(seconds, st.integers(1, 10**6), seconds)
def test_a_first_try_on_a_cpu_never_costs_more_than_the_gain_that_counts(eager, passes, assumed):
    if why_not(eager, passes, None, assumed, "cpu") is None:
        assert assumed <= GAIN * eager * passes


@given(seconds, st.integers(1, 10**6), seconds, seconds, seconds)
def test_what_is_known_decides_by_itself(eager, passes, compile_, before, compiled):
    known = Timing(compile_, before, compiled)
    tried = why_not(eager, passes, known, 1e9, "cpu") is None
    assert tried == (known.share > GAIN and known.share * eager * passes > compile_)


def test_reasons_are_sentences_with_the_numbers():
    assert why_not(0.01, 100, Timing(30, 0.01, 0.0099), 9, "cpu") == (
        "An earlier run on this machine measured that a compiled pass saves 1 %."
    )
    assert why_not(0.01, 100, Timing(30, 0.01, 0.012), 9, "cpu") == (
        "An earlier run on this machine measured that a compiled pass takes 20 % longer."
    )
    assert why_not(0.01, 100, Timing(30, 0.01, 0.005), 9, "cpu") == (
        "Compiling takes about 30 s, and would save about 50 % of the 1 s of passes that are left, as an earlier run "
        "measured."
    )


@pytest.mark.parametrize(("compiled", "kept"), [(0.0098, False), (0.0096, True), (0.02, False), (0.005, True)])
def test_a_gain_of_three_percent_or_less_is_none(compiled, kept):
    answer, reason = gains(Timing(12.34, 0.01, compiled))
    assert answer is kept
    assert "10 ms" in reason
    assert reason.endswith("compiling took 12.3 s.")
