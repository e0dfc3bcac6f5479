"""Evidence and choice."""

import numpy as np
import pytest

from ravine.experiment.fitted import Evidence, select
from ravine.stats.calibration import fit_temperature, probabilities
from ravine.stats.scores import score

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 50)
LOGITS = (RNG.normal(size=(50, 3)) + 2 * np.eye(3)[LABELS]).astype(np.float32)
EVIDENCE = Evidence(LOGITS, LABELS, "pictures")


@pytest.mark.parametrize(("metric", "place"), [("nll", 2), ("accuracy", 1), ("macro_f1", 1)])
def test_the_best_is_chosen_the_first_of_equals_and_never_what_is_no_number(metric: str, place: int) -> None:
    assert select([float("nan"), 0.7, 0.1, 0.1, 0.7], metric) == place


def test_the_temperature_is_that_of_these_pictures() -> None:
    temperature = EVIDENCE.temperature()
    assert temperature == fit_temperature(LOGITS, LABELS)
    nll = [EVIDENCE.scores(("a", "b", "c"), t).nll for t in (0.9 * temperature, temperature, 1.1 * temperature)]
    assert nll[1] < min(nll[0], nll[2])


def test_scores_are_those_of_the_probabilities_at_a_temperature() -> None:
    expected = score(probabilities(LOGITS, 2.0), LABELS, ("a", "b", "c"))
    assert EVIDENCE.scores(("a", "b", "c"), 2.0).summary() == expected.summary()
