import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.stats.calibration import fit_temperature, probabilities
from ravine.stats.scores import negative_log_likelihood


@given(st.floats(0.3, 5.0), st.integers(0, 1000))
def test_recovers_the_temperature_that_was_applied(temperature, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(20_000, 3)) * 2
    cumulative = probabilities(z).cumsum(axis=1)
    labels = (rng.random((len(z), 1)) > cumulative).sum(axis=1).clip(max=2)
    assert fit_temperature(z * temperature, labels) == pytest.approx(temperature, rel=0.1)


@given(st.integers(0, 1000))
def test_never_worse_than_no_temperature(seed):
    rng = np.random.default_rng(seed)
    z, labels = rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    fitted = fit_temperature(z, labels)
    assert negative_log_likelihood(probabilities(z, fitted), labels) <= (
        negative_log_likelihood(probabilities(z), labels) + 1e-9
    )


def test_nothing_to_fit_to_means_no_change():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)) == 1.0
