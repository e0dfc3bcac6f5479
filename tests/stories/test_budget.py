import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.base.errors import PlanError
from ravine.stories.budget import seconds_of


@given(st.floats(0.01, 1000), st.sampled_from([("", 1), ("s", 1), ("m", 60), ("h", 3600)]))
def test_units(value, unit):
    assert seconds_of(f"{value:f}{unit[0]}") == pytest.approx(float(f"{value:f}") * unit[1])


@pytest.mark.parametrize("text", ["", "0", "-3s", "soon", "3 days", "nan"])
def test_what_is_no_duration_is_an_error(text):
    with pytest.raises(PlanError, match="is no duration"):
        seconds_of(text)
