"""The draw of configurations for a search."""

from benchmarks.configurations import drawn

LIMITS = {"rate": (0.003, 0.5), "momentum": (0.7, 0.98), "decay": (1e-4, 0.05), "dropout": (0, 0.6)}


def test_it_is_the_same_each_time_and_within_its_limits() -> None:
    first = drawn(64)
    assert first == drawn(64)
    assert len({tuple(one.values()) for one in first}) == 64
    for one in first:
        assert one.keys() == LIMITS.keys()
        assert all(low <= one[name] <= high for name, (low, high) in LIMITS.items())
