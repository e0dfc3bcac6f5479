import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.report import wording

ANY = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize("write", [wording.percent, wording.decimal, wording.duration, wording.size])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_becomes_a_dash(write, value):
    assert write(value) == wording.DASH


@given(ANY, ANY)
def test_an_interval_never_says_nan(low, high):
    text = wording.interval((low, high))
    assert "nan" not in text and "inf" not in text


@given(ANY)
def test_a_share_for_a_style_lies_in_the_unit_interval(value):
    assert 0 <= float(wording.share(value)) <= 1


@given(st.floats(0, 1))
def test_a_percentage_reads_back(value):
    assert float(wording.percent(value).split(wording.SPACE)[0]) == pytest.approx(100 * value, abs=0.0501)


@given(st.integers(60, 3599))
def test_minutes_and_seconds_add_up(seconds):
    minutes, _, rest, _ = wording.duration(seconds).replace(wording.SPACE, " ").split()
    assert 60 * int(minutes) + int(rest) == seconds


@given(st.integers(3600, 10**7))
def test_hours_and_minutes_add_up(seconds):
    hours, _, minutes, _ = wording.duration(seconds).replace(wording.SPACE, " ").split()
    assert 60 * int(hours) + int(minutes) == seconds // 60


@pytest.mark.parametrize(("bytes_", "text"), [(999_960, "1.0 MB"), (1_500, "1.5 kB"), (0, "0 B"), (3e12, "3000.0 GB")])
def test_sizes(bytes_, text):
    assert wording.size(bytes_).replace(wording.SPACE, " ") == text


def test_a_time_just_under_a_minute_does_not_say_sixty_seconds():
    assert wording.duration(59.97).replace(wording.SPACE, " ") == "1 min 0 s"
