"""What a race expects of its entrants."""

import numpy as np
import pytest

from ravine.transfer.entrants import Entrant, Expected


class Linear:
    """Takes 10 seconds once, and a tenth of a second a picture."""

    def answers(self, fit_rows: np.ndarray, held_rows: np.ndarray, seed: int) -> np.ndarray:
        del fit_rows, seed
        return np.zeros((len(held_rows), 2))

    def expected_seconds(self, pictures: int) -> float:
        return 10 + 0.1 * pictures


def test_what_is_computed_once_counts_in_the_first_round_alone() -> None:
    found = Expected.of(Entrant("last1", Linear(), trainings=1.8), part=80, every=100)
    assert (found.first, found.later, found.final) == (pytest.approx(18), pytest.approx(8), pytest.approx(18))


def test_who_was_slower_than_expected_is_expected_to_be_so_again() -> None:
    found = Expected(18.0, 8.0, 10.0).slower(1.5)
    assert (found.first, found.later, found.final) == (27.0, 12.0, 15.0)
