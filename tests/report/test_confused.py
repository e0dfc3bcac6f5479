import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ravine.report.confused import Pair, confused_pairs
from ravine.report.content import Confusion


@given(st.integers(1, 6).flatmap(lambda n: arrays(np.int64, (n, n), elements=st.integers(0, 5))), st.integers(0, 40))
def test_pairs_are_those_of_a_plain_loop(counts, most):
    names = tuple(f"class {i}" for i in range(len(counts)))
    expected = [
        Pair(names[i], names[j], int(counts[i, j]), int(counts[i].sum()))
        for i in range(len(counts))
        for j in range(len(counts))
        if i != j and counts[i, j] > 0
    ]
    expected.sort(key=lambda pair: -pair.count)
    before = counts.copy()
    assert list(confused_pairs(Confusion(names, counts), most)) == expected[:most]
    np.testing.assert_array_equal(counts, before)
