"""Races of made-up ways to transfer, on a made-up clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ravine.base.errors import PlanError, TrainingError
from ravine.data.audit import Audit
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.transfer.contest import Look
from ravine.transfer.data_size import SizeCurve
from ravine.transfer.decide import FOLDS, ROUNDS, TEXTBOOK, Course, decide
from ravine.transfer.decision import Contestant
from ravine.transfer.entrants import Entrant
from ravine.transfer.measure import Measurement
from ravine.transfer.probes import Probe, Similarity

PICTURES = 200


@dataclass
class Clock:
    """Stands still but where a training moves it."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Made:
    """Answers that were made up beforehand: wrong on a share of the pictures."""

    wrong: float
    clock: Clock = field(default_factory=Clock)
    seconds: float = 1.0
    fails: Callable[[int], Exception | None] = lambda _: None
    calls: list[tuple[int, int, int]] = field(default_factory=list)
    labels: np.ndarray = field(default_factory=lambda: np.arange(PICTURES) % 2)

    def answers(self, fit_rows: np.ndarray, held_rows: np.ndarray, seed: int) -> np.ndarray:
        self.calls.append((len(fit_rows), len(held_rows), seed))
        self.clock.now += self.seconds
        failure = self.fails(len(self.calls))
        if failure:
            raise failure
        assert not set(fit_rows) & set(held_rows)
        wrong = held_rows % 100 < 100 * self.wrong
        said = np.where(wrong, 1 - self.labels[held_rows], self.labels[held_rows])
        return 2.0 * np.eye(2)[said]

    def expected_seconds(self, pictures: int) -> float:
        return self.seconds * pictures / (PICTURES * (FOLDS - 1) / FOLDS)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    path = tmp_path_factory.mktemp("noise") / "a.npz"
    x = np.random.default_rng(0).integers(0, 256, (PICTURES, 8, 8), dtype=np.uint8)
    np.savez(path, x=x, y=np.arange(PICTURES) % 2)
    return scan(read_source(path))


def course(audit: Audit, clock: Clock | None = None, **more: object) -> Course:
    return Course(np.arange(PICTURES), audit, clock=clock or Clock(), **more)


def outcomes(decision: object) -> dict[str, str]:
    return {one.name: one.outcome for one in decision.contestants}


def test_a_clear_gain_is_chosen_and_the_head_is_worse(audit: Audit) -> None:
    last1 = Made(0.05)
    found = decide([Entrant("head", Made(0.4)), Entrant("last1", last1)], course(audit))
    assert found.chosen.name == "last1"
    assert outcomes(found) == {"head": "worse", "last1": "chosen"}
    head, best = found.contestants
    assert (head.gain, head.pictures) == (None, PICTURES // FOLDS)
    assert best.gain is not None and best.low is not None and best.high is not None
    assert best.low < best.gain < best.high
    assert len(last1.calls) == 1
    assert found.confidence == Look(1, ROUNDS).confidence


def test_of_several_that_gain_clearly_one_is_chosen_and_the_others_are_told_as_such(tmp_path: Path) -> None:
    """So few groups that nobody leaves before the end."""
    x = np.random.default_rng(0).integers(0, 256, (PICTURES, 8, 8), dtype=np.uint8)
    group = np.array([f"thing {number % 20}" for number in range(PICTURES)])
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(PICTURES) % 2, group=group)
    audit = scan(read_source(tmp_path / "a.npz"))
    ways = {"head": Made(0.2), "last1": Made(0.1), "last2": Made(0.1), "all": Made(0.2)}
    found = decide([Entrant(name, way) for name, way in ways.items()], course(audit))
    assert outcomes(found) == {"head": "worse", "last1": "chosen", "last2": "less likely", "all": "no clear gain"}
    assert found.contestants[0].note == "last1 and last2 beat it."


def test_equal_contestants_leave_the_least_unfrozen(audit: Audit) -> None:
    ways = {name: Made(0.2) for name in ("head", "last1", "last2")}
    found = decide([Entrant(name, way) for name, way in ways.items()], course(audit))
    assert found.chosen.name == "head"
    assert set(outcomes(found).values()) <= {"chosen", "no clear gain", "dropped"}
    assert found.contestants[1].gain == 0.0
    assert found.chosen.accuracy == pytest.approx(0.8, abs=0.05)


def test_rounds_have_folds_and_seeds_of_their_own_and_are_the_same_again(audit: Audit) -> None:
    ways = [Made(0.2), Made(0.19)]
    first, again = (
        decide([Entrant(f"way {place}", way) for place, way in enumerate(ways)], course(audit, seed=3))
        for _ in range(2)
    )
    rounds = ways[0].calls[:ROUNDS]
    assert ways[0].calls == ways[1].calls == rounds * 2
    assert len({seed for _, _, seed in rounds}) == ROUNDS
    assert first.contestants[0].pictures == ROUNDS * PICTURES // FOLDS
    assert first.confidence == Look(ROUNDS, ROUNDS).confidence
    assert repr(first.contestants) == repr(again.contestants)


def test_who_is_clearly_worse_is_trained_no_more(audit: Audit) -> None:
    ways = {"head": Made(0.1), "last1": Made(0.5), "last2": Made(0.08)}
    found = decide([Entrant(name, way) for name, way in ways.items()], course(audit))
    assert outcomes(found)["last1"] == "worse"
    assert len(ways["last1"].calls) == 1
    assert len(ways["last2"].calls) > 1


def test_a_training_that_fails_is_told_and_the_others_go_on(audit: Audit) -> None:
    entrants = [
        Entrant("head", Made(0.2)),
        Entrant("last1", Made(0.1, fails=lambda _: TrainingError("No finite loss."))),
        Entrant("last2", Made(0.1, fails=lambda call: PlanError("Not this fold.") if call == 2 else None)),
        Entrant("all", Made(0.18)),
    ]
    found = decide(entrants, course(audit))
    assert outcomes(found)["last1"] == outcomes(found)["last2"] == "failed"
    assert [one.note for one in found.contestants[1:3]] == ["No finite loss.", "Not this fold."]
    assert np.isnan(found.contestants[1].accuracy)
    assert found.chosen.name in ("head", "all")


def test_answers_that_are_not_finite_are_a_failure(audit: Audit) -> None:
    broken = Made(0.1)
    broken.answers = lambda _, held, __: np.full((len(held), 2), np.nan)
    found = decide([Entrant("head", Made(0.2)), Entrant("all", broken)], course(audit))
    assert outcomes(found) == {"head": "chosen", "all": "failed"}
    assert "optimizer.lr" in found.contestants[1].note


def test_a_training_without_enough_memory_is_a_failure(audit: Audit) -> None:
    hungry = Made(0.1, fails=lambda _: MemoryError("too large"))
    found = decide([Entrant("head", Made(0.2)), Entrant("all", hungry)], course(audit))
    assert outcomes(found) == {"head": "chosen", "all": "failed"}
    assert "not enough memory" in found.contestants[1].note


def test_where_the_head_fails_gains_are_against_the_next(audit: Audit) -> None:
    failing = Made(0.2, fails=lambda _: PlanError("No."))
    found = decide(
        [Entrant(n, w) for n, w in (("head", failing), ("last1", Made(0.3)), ("all", Made(0.0)))], course(audit)
    )
    assert outcomes(found) == {"head": "failed", "last1": "worse", "all": "chosen"}
    assert [one.gain is None for one in found.contestants] == [True, True, False]


def test_when_all_fail_it_is_an_error_that_says_why(audit: Audit) -> None:
    entrants = [Entrant(name, Made(0.1, fails=lambda _: PlanError("No weights."))) for name in ("head", "all")]
    with pytest.raises(TrainingError, match=r"head: No weights\. all: No weights\."):
        decide(entrants, course(audit))


def test_a_limit_leaves_out_what_it_has_no_time_for(audit: Audit) -> None:
    clock = Clock()
    slow = Made(0.0, clock, seconds=50.0)
    entrants = [
        Entrant("head", Made(0.3, clock, seconds=1.0)),
        Entrant("last1", Made(0.1, clock, seconds=10.0)),
        Entrant("all", slow),
    ]
    found = decide(entrants, course(audit, clock, limit=60.0))
    assert outcomes(found) == {"head": "worse", "last1": "chosen", "all": "skipped"}
    assert slow.calls == []
    assert found.skipped == ("all",)
    assert "about 112 s" in found.contestants[2].note
    final = 10.0 * FOLDS / (FOLDS - 1)
    assert found.seconds + final <= 60.0


def test_a_final_fit_of_several_trainings_counts_as_several(audit: Audit) -> None:
    def race(trainings: float) -> str:
        clock = Clock()
        entrants = [
            Entrant("head", Made(0.3, clock, seconds=0.1)),
            Entrant("scratch", Made(0.1, clock, seconds=8.0), trainings=trainings),
        ]
        return outcomes(decide(entrants, course(audit, clock, limit=25.0)))["scratch"]

    assert race(1.0) == "chosen"
    assert race(2.0) == "skipped"


def test_a_second_round_without_time_leaves_the_contestant_in_the_race(audit: Audit) -> None:
    clock = Clock()
    entrants = [
        Entrant("head", Made(0.2, clock, seconds=0.1)),
        Entrant("last1", Made(0.18, clock, seconds=10.0)),
    ]
    found = decide(entrants, course(audit, clock, limit=25.0))
    assert found.contestants[1].outcome in ("no clear gain", "dropped")
    assert found.contestants[1].pictures == PICTURES // FOLDS


def test_without_time_for_any_the_least_unfrozen_is_taken_unraced(audit: Audit) -> None:
    clock = Clock()
    entrants = [Entrant(name, Made(0.2, clock, seconds=10.0)) for name in ("head", "last1")]
    found = decide(entrants, course(audit, clock, limit=1.0))
    assert (found.chosen.name, found.chosen.pictures) == ("head", 0)
    assert found.chosen.note.startswith("Taken without a race")
    assert found.skipped == ("last1",)


def test_without_a_limit_nobody_is_asked_for_seconds(audit: Audit) -> None:
    way = Made(0.2)
    way.expected_seconds = lambda pictures: pytest.fail(f"asked for {pictures}")
    assert decide([Entrant("head", way), Entrant("all", way)], course(audit)).chosen.name == "head"


def test_ways_that_could_not_enter_are_told_in_order(audit: Audit) -> None:
    refused = [Contestant("depth", "skipped", "It has no such setting.")]
    order = ("head", "depth", "last1")
    found = decide([Entrant("head", Made(0.2)), Entrant("last1", Made(0.2))], course(audit), None, refused, order)
    assert tuple(one.name for one in found.contestants) == order
    assert found.skipped == ("depth",)


def measured(flat: bool, peak: int) -> Measurement:
    right = np.ones(40, bool)
    probes = tuple(
        Probe(f"stage {place}", 8, a, a, right & (np.arange(40) < 40 * a)) for place, a in enumerate((0.9, 0.6))
    )
    similarity = Similarity(probes if peak == 0 else probes[::-1], 0.3)
    size = SizeCurve((20, 40), (0.9, 0.9 if flat else 0.95), 0.0 if flat else 0.05, 0.001)
    return Measurement(similarity, size, None, 40, {"features": 2.0})


@pytest.mark.parametrize(
    ("flat", "peak", "name"), [(False, 1, "head"), (False, 0, "depth"), (True, 1, "last1"), (True, 0, "all")]
)
def test_the_textbook_names_the_contestant_of_the_measured_cell(flat: bool, peak: int, name: str, audit: Audit) -> None:
    measurement = measured(flat, peak)
    found = decide([Entrant("head", Made(0.2))], course(audit), lambda: measurement)
    assert (found.measurement, found.textbook) == (measurement, name)
    assert found.textbook == TEXTBOOK[measurement.cell]
    assert found.by_number_alone == "head"


def test_a_body_that_cannot_be_tapped_is_raced_without_a_measurement(audit: Audit) -> None:
    def measure() -> Measurement:
        raise PlanError("It cannot be tapped.")

    lines: list[str] = []
    found = decide([Entrant("head", Made(0.2))], course(audit, say=lines.append), measure)
    assert (found.measurement, found.textbook, found.by_number_alone) == (None, None, None)
    assert any("cannot be tapped" in line for line in lines)


def test_the_measurement_counts_against_the_limit(audit: Audit) -> None:
    clock = Clock()

    def measure() -> Measurement:
        clock.now += 40.0
        return measured(False, 1)

    entrants = [Entrant("head", Made(0.2, clock, seconds=1.0)), Entrant("all", Made(0.0, clock, seconds=10.0))]
    found = decide(entrants, course(audit, clock, limit=45.0), measure)
    assert outcomes(found) == {"head": "chosen", "all": "skipped"}
    assert found.seconds >= 40.0


def test_fewer_pictures_than_parts_are_raced_on_the_parts_that_there_are(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(4) % 2)
    audit = scan(read_source(tmp_path / "a.npz"))
    entrants = [Entrant("head", Made(0.0)), Entrant("all", Made(0.0))]
    found = decide(entrants, Course(np.arange(4), audit, clock=Clock()))
    assert found.chosen.name == "head"
    assert found.chosen.pictures == 4


def test_pictures_that_are_all_one_block_are_not_raced(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(6) % 2, group=np.array(["one"] * 6))
    audit = scan(read_source(tmp_path / "a.npz"))
    assert len(np.unique(audit.blocks)) == 1
    found = decide([Entrant("head", Made(0.0)), Entrant("all", Made(0.0))], Course(np.arange(6), audit, clock=Clock()))
    assert (found.chosen.name, found.chosen.pictures) == ("head", 0)
