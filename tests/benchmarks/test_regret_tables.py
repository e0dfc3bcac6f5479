"""Rows of cells are means over seeds, and policies are judged over data sets."""

import numpy as np
import pytest
from benchmarks.regret_tables import Judged, show_all
from benchmarks.replay import pressed

from ravine.plan.alternatives import WAYS
from ravine.transfer.decision import Contestant, Decision


def judged(name: str, chosen: str, right: dict[str, int], seconds: float) -> Judged:
    """A cell of 100 test pictures, of which ways get so many right, and all others none."""
    contestants = tuple(Contestant(way, "chosen" if way == chosen else "worse", accuracy=0.5) for way in WAYS)
    decision = Decision(contestants, None, 0.95, seconds)
    found = {way: {"failed": "no"} for way in WAYS}
    for way, count in right.items():
        found[way] = {"accuracy": count / 100, "right": pressed(np.arange(100) < count)}
    return Judged(name, 75, 100, {"textbook": "head", "by_number_alone": "head"}, decision, found)


def lines(text: str) -> list[list[str]]:
    """The cells of all rows of tables."""
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if "|" in line]


def test_seeds_of_a_cell_share_a_row_and_what_failed_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    show_all(
        [
            judged("photos", "all", {"head": 60, "all": 80}, 10.0),
            judged("photos", "head", {"head": 70, "all": 100}, 20.0),
            judged("photos", "all", {"head": 80, "all": 90}, 30.0),
            judged("tops", "head", {"head": 90, "all": 50}, 40.0),
        ]
    )
    rows = lines(capsys.readouterr().out)
    accuracies = next(row for row in rows if row[:3] == ["photos", "75", "3"])
    assert accuracies[3:] == ["0.700", "", "", "", "0.900", "", "all 2, head 1", "head", "head"]
    seconds = [row for row in rows if row[:3] == ["photos", "75", "3"]][2]
    assert seconds[3:5] == ["", "20.0"]
    policies = {row[0]: row[1:] for row in rows}
    assert "always scratch" not in policies
    decided, heads = float(policies["Ravine's decision"][1]), float(policies["always head"][1])
    assert policies["Ravine's decision"][0] == "4"
    assert decided == pytest.approx((30 / 3 + 0) / 2, abs=1.5)
    assert heads == pytest.approx((20 + 30 + 10) / 3 / 2, abs=2)
