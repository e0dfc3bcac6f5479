"""Words of the command line."""

import argparse

import pytest
from benchmarks.options import names


def test_names_are_read_in_the_order_in_which_they_are_given():
    assert names(("small", "large"))("large,small") == ["large", "small"]


def test_an_unknown_name_is_a_refusal_that_says_what_there_is():
    with pytest.raises(argparse.ArgumentTypeError, match="middle: write some of small,large"):
        names(("small", "large"))("small,middle")
