"""What a contest is expected to take grows with what there is to do."""

import pytest

from ravine.transfer import cost
from ravine.transfer.cost import contest_seconds


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_measured", lambda: (1e10, 1e-6))


def test_one_candidate_by_hand() -> None:
    axes = 4 * 200 * 1_280 * 200 + cost.EIGENVECTORS * 200**3
    products = cost.EVALUATIONS * 40 * 4 * 200 * 200 * 9
    rounds = cost.ROUNDS * cost.LAUNCHES * 1e-6
    assert contest_seconds(200, [1_280], 9, 40) == pytest.approx((axes + products) / 1e10 + rounds)


def test_candidates_add_up_and_more_pictures_take_longer() -> None:
    one, other = contest_seconds(200, [1_280], 9, 40), contest_seconds(200, [320], 9, 40)
    assert contest_seconds(200, [1_280, 320], 9, 40) == pytest.approx(one + other)
    assert contest_seconds(400, [1_280], 9, 40) > one
    assert contest_seconds(200, [1_280], 18, 40) > one
    assert contest_seconds(200, [1_280], 9, 80) > one
