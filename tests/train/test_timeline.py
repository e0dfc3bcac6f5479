import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.train.timeline import Shares, Timeline

LAPS = st.lists(st.tuples(st.sampled_from(["data", "arithmetic", "other"]), st.integers(0, 1000)), max_size=20)


@given(LAPS)
def test_every_second_is_counted_once(laps):
    now = 5.0
    timeline = Timeline(lambda: now)
    for part, seconds in laps:
        now += seconds
        timeline.lap(part)
    shares = timeline.shares()
    assert shares.seconds == now - 5
    for part in ("data", "arithmetic", "other"):
        assert getattr(shares, part) == sum(seconds for name, seconds in laps if name == part)


@given(LAPS.filter(lambda laps: sum(seconds for _, seconds in laps) > 0))
def test_shares_sum_to_one(laps):
    seconds = {"data": 0.0, "arithmetic": 0.0, "other": 0.0}
    for part, length in laps:
        seconds[part] += length
    shares = Shares(**seconds)
    assert sum(shares.share(part) for part in seconds) == pytest.approx(1)


def test_nothing_measured_is_no_share():
    assert Timeline().shares() == Shares()
    assert Shares().share("data") == 0
    assert "data 0 % of the time" in Shares().sentence()


def test_the_real_clock_goes_forward():
    timeline = Timeline()
    timeline.lap("other")
    first = timeline.shares().other
    timeline.lap("other")
    assert 0 <= first <= timeline.shares().other
