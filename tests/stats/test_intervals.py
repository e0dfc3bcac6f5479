from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ravine.stats.intervals import wilson


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_equals_scipy(case):
    k, n = case
    reference = binomtest(k, n).proportion_ci(method="wilson")
    low, high = wilson(k, n)
    assert abs(low - reference.low) < 1e-9
    assert abs(high - reference.high) < 1e-9


def test_no_trials_say_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
