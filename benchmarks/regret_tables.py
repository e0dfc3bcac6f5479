"""Tables of what decisions about transfer learning lost; the rows of a cell are means over its seeds."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.oracle import interval, regrets
from benchmarks.replay import unpressed
from benchmarks.table import Cell, mean, show
from ravine.plan.alternatives import WAYS
from ravine.transfer.decision import Decision

GOAL = 0.005
POLICIES = {
    "ravine": "Ravine's decision",
    "textbook": "textbook, measured cell without a race",
    "size": "textbook, number of pictures alone",
    **{way: f"always {way}" for way in WAYS},
}
FRONT = ("data set", "training", "seeds")


@dataclass(frozen=True, eq=False)
class Judged:
    """The decision on a data set with one seed, and what every candidate reached.

    Attributes:
        name: Of the data set.
        training: Pictures for training.
        test: And for testing.
        measured: See `Contest.measured`.
        decision: Of the race.
        found: Of each candidate; see `Contest.fitted`.
    """

    name: str
    training: int
    test: int
    measured: dict[str, Any]
    decision: Decision
    found: dict[str, dict[str, Any]]

    @property
    def choices(self) -> dict[str, str]:
        """The candidate that each policy takes, where that could be fitted."""
        taken = {
            "ravine": self.decision.chosen.name,
            "textbook": self.measured.get("textbook"),
            "size": self.measured.get("by_number_alone"),
            **{way: way for way in WAYS},
        }
        return {policy: way for policy, way in taken.items() if way in self.fitted}

    @property
    def fitted(self) -> list[str]:
        """Candidates that could be fitted."""
        return [way for way in WAYS if "right" in self.found[way]]

    @cached_property
    def lost(self) -> dict[str, float]:
        """The regret of each policy."""
        right = {way: unpressed(self.found[way]["right"], self.test) for way in self.fitted}
        return regrets(right, self.choices) if right else {}


def show_all(judged: Sequence[Judged]) -> None:
    """Every table.

    Args:
        judged: All seeds of a cell together, and all cells of a data set.
    """
    cells = [list(group) for _, group in groupby(judged, key=lambda one: (one.name, one.training))]
    show_accuracies(cells)
    show_race(cells)
    show_seconds(cells)
    show_regrets(cells)
    show_policies(judged)


def show_accuracies(cells: Sequence[Sequence[Judged]]) -> None:
    """On the test pictures, and who chose what how often."""
    rows = []
    for cell in cells:
        values = [_mean([one.found[way].get("accuracy") for one in cell], "{:.3f}") for way in WAYS]
        chosen = (
            _often([one.choices.get(policy, "none") for one in cell]) for policy in ("ravine", "textbook", "size")
        )
        rows.append([*_front(cell), *values, *chosen])
    heads = (*FRONT, *WAYS, "Ravine's choice", "textbook", "by number")
    show("Accuracy on test pictures, each candidate trained on all training pictures", heads, rows)


def show_race(cells: Sequence[Sequence[Judged]]) -> None:
    """What the race knew: mean accuracies of those that it judged, over the pictures that it judged them by."""
    rows = []
    for cell in cells:
        told = [{each.name: each for each in one.decision.contestants} for one in cell]
        rows.append(
            [*_front(cell), *(_mean([one[way].accuracy for one in told if way in one], "{:.3f}") for way in WAYS)]
        )
    show("Accuracy in the race, each picture judged by trainings without it", (*FRONT, *WAYS), rows)


def show_seconds(cells: Sequence[Sequence[Judged]]) -> None:
    """Of the measurement, the race, and a training on all; features are in the first that needs them."""
    rows = []
    for cell in cells:
        before = [[one.measured.get("seconds") for one in cell], [one.decision.seconds for one in cell]]
        fits = [[one.found[way].get("seconds") for one in cell] for way in WAYS]
        rows.append([*_front(cell), *(_mean(values, "{:.1f}") for values in (*before, *fits))])
    show("Seconds", (*FRONT, "measured", "race", *WAYS), rows)


def show_regrets(cells: Sequence[Sequence[Judged]]) -> None:
    """Of each policy in each cell."""
    rows = [
        [*_front(cell), *(_mean([one.lost.get(policy) for one in cell], "{:+.1f}", 100) for policy in POLICIES)]
        for cell in cells
    ]
    show("Regret in points of accuracy", (*FRONT, *POLICIES), rows)


def show_policies(judged: Sequence[Judged]) -> None:
    """A row a policy."""
    rows = [_policy(policy, judged) for policy in POLICIES if any(policy in one.lost for one in judged)]
    heads = ("policy", "decisions", "mean regret, points", "95 % interval", "worst", f"within {100 * GOAL:g} points")
    show(f"Regret over {len({one.name for one in judged})} data sets", heads, rows)


def _policy(policy: str, judged: Sequence[Judged]) -> list[Cell]:
    groups: dict[str, list[float]] = {}
    for one in judged:
        if policy in one.lost:
            groups.setdefault(one.name, []).append(one.lost[policy])
    every = [value for group in groups.values() for value in group]
    middle, low, high = (100 * value for value in interval(list(groups.values())))
    within = f"{mean([value <= GOAL for value in every], 2):.0%}"
    worst = round(100 * max(every), 1)
    return [POLICIES[policy], len(every), round(middle, 2), f"{low:.2f} to {high:.2f}", worst, within]


def _front(cell: Sequence[Judged]) -> list[Cell]:
    return [cell[0].name, str(cell[0].training), str(len(cell))]


def _mean(values: Sequence[float | None], form: str, factor: float = 1.0) -> str:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return form.format(factor * float(np.mean(known))) if known else ""


def _often(names: Sequence[str]) -> str:
    """The names from the most frequent on: "depth 3, all 2"; alone if there is one."""
    counted = Counter(names).most_common()
    return names[0] if len(counted) == 1 else ", ".join(f"{name} {count}" for name, count in counted)
