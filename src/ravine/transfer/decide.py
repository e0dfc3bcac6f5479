"""A race of ways to transfer: measured, raced on folds of the pictures that are not for testing, and decided."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import PlanError, TrainingError
from ravine.base.seeds import stream
from ravine.data.audit import Audit
from ravine.data.split import folds
from ravine.device.machine import enough_memory
from ravine.transfer.contest import Answers, Look, beating, leaving, winner
from ravine.transfer.decision import Contestant, Decision
from ravine.transfer.entrants import Entrant, Expected, Lane
from ravine.transfer.measure import Measurement

FOLDS = 5
"""Parts of the pictures; in a round, each contestant is fitted to all but one, which judges it."""

ROUNDS = FOLDS
"""Looks at most: each takes one training of all that are left, and after the last one every picture has judged."""

TEXTBOOK = {
    ("small", "similar"): "head",
    ("small", "different"): "depth",
    ("large", "similar"): "last1",
    ("large", "different"): "all",
}
"""What the textbook's table names for each cell; of the last stages that it names, the fewest."""


@dataclass(frozen=True)
class Course:
    """Where and for how long a race is run.

    Attributes:
        rows: Numbers of the pictures that are not for testing, ascending.
        audit: What they belong to.
        seed: The same seed divides the pictures and starts the trainings alike.
        limit: Seconds for the measurement, the race and the final fit; None for no limit.
        clock: Tells the seconds.
        say: Called with a line before each training.
    """

    rows: NDArray[np.int64]
    audit: Audit
    seed: int = 0
    limit: float | None = None
    clock: Callable[[], float] = time.perf_counter
    say: Callable[[str], object] = lambda _: None


def decide(
    entrants: Sequence[Entrant],
    course: Course,
    measure: Callable[[], Measurement] | None = None,
    refused: Sequence[Contestant] = (),
    order: Sequence[str] = (),
) -> Decision:
    """Measure, race, and choose the least unfrozen way, unless others beat it; see `contest`.

    Under a limit a training starts only where it and the longest final fit that could follow have the time that they
    are expected to take; the measurement is taken in any case, since its features are those that a head needs. A way
    whose training fails is out, and the others go on.

    Args:
        entrants: From the least unfrozen to the most.
        course: Where and for how long.
        measure: Measures the table's two axes; a body that cannot be tapped is raced without.
        refused: Ways that cannot enter, with their notes.
        order: Names of all ways in the order in which they are told; that of the entrants if not given.

    Raises:
        TrainingError: Every way has failed.
    """
    began = course.clock()
    measured = _measured(measure, course.say)
    race = Race(entrants, course, began)
    look = race.run()
    chosen = race.chosen(look)
    told = {one.name: one for one in (*refused, *race.told(chosen, look))}
    names = [*order, *(name for name in told if name not in order)]
    return Decision(
        contestants=tuple(told[name] for name in names if name in told),
        measurement=measured,
        confidence=look.confidence,
        seconds=course.clock() - began,
        textbook=TEXTBOOK[measured.cell] if measured else None,
        by_number_alone=TEXTBOOK[measured.by_number_alone, "similar"] if measured else None,
    )


def _measured(measure: Callable[[], Measurement] | None, say: Callable[[str], object]) -> Measurement | None:
    try:
        return measure() if measure else None
    except PlanError as wrong:
        say(f"The table's axes are not measured: {wrong}")
        return None


class Race:
    """A race while it is run."""

    def __init__(self, entrants: Sequence[Entrant], course: Course, began: float) -> None:
        self.course, self.began = course, began
        self.labels, self.blocks = course.audit.labels[course.rows], course.audit.blocks[course.rows]
        none = Answers.none(self.labels, len(course.audit.classes))
        self.lanes = [Lane(entrant, none) for entrant in entrants]
        drawn = folds(course.rows, course.audit, FOLDS, course.seed)
        self.folds = [(fit, held) for fit, held in drawn if len(fit) and len(held)]

    @property
    def field(self) -> dict[str, Answers]:
        """Who has answered and not failed."""
        return {lane.entrant.name: lane.answers for lane in self.lanes if lane.raced and lane.outcome != "failed"}

    @property
    def running(self) -> list[str]:
        """Who of these is still in the race."""
        return [lane.entrant.name for lane in self.lanes if lane.raced and lane.running]

    def run(self) -> Look:
        """All rounds that are needed; the last look."""
        look = Look(1, ROUNDS)
        for number in range(1, min(ROUNDS, len(self.folds)) + 1):
            trained = [self._round(lane, number) for lane in self.lanes if lane.running]
            if number > 1 and not any(trained):
                break
            look = Look(number, ROUNDS)
            if not self.running:
                break
            for name, why in leaving(self.field, self.running, self.blocks, look).items():
                self._lane(name).end(why.outcome, why.note)
            if len(self.running) < 2:
                break
        return look

    def chosen(self, look: Look) -> Lane:
        """The winner; without a race, the least unfrozen way that has not failed.

        Raises:
            TrainingError: There is none.
        """
        if self.running:
            return self._lane(winner(self.field, self.running, self.blocks, look))
        left = [lane for lane in self.lanes if lane.outcome != "failed"]
        if not left:
            notes = " ".join(f"{lane.entrant.name}: {lane.note}" for lane in self.lanes)
            raise TrainingError(f"Every way to transfer has failed. {notes}")
        left[0].note = f"Taken without a race. {left[0].note}".strip()
        return left[0]

    def told(self, chosen: Lane, look: Look) -> list[Contestant]:
        """What became of each, with its gain over the least unfrozen that has answered."""
        better = beating(self.field, self.running, self.blocks, look) if self.running else []
        chosen.outcome = "chosen"
        if chosen.raced:
            chosen.note = ""
        first = next((lane for lane in self.lanes if lane.entrant.name in self.field), None)
        for lane in self.lanes:
            if lane.running and lane is first:
                lane.end("worse", f"{' and '.join(better)} beat it.")
            elif lane.running:
                lane.end("less likely" if lane.entrant.name in better else "no clear gain", lane.note)
        return [lane.told(first, self.blocks, look) for lane in self.lanes]

    def _lane(self, name: str) -> Lane:
        return next(lane for lane in self.lanes if lane.entrant.name == name)

    def _round(self, lane: Lane, number: int) -> bool:
        """Train one entrant for a round, if there is time; whether it was trained."""
        try:
            if not self._has_time(lane):
                return False
            took = self.train(lane, number - 1)
        except (PlanError, TrainingError) as wrong:
            lane.end("failed", str(wrong))
            return False
        lane.seconds += took
        if lane.expected and number == 1:
            lane.expected = lane.expected.slower(max(1.0, took / max(lane.expected.first, 1e-9)))
        return True

    def train(self, lane: Lane, place: int) -> float:
        """Train on all parts but one, which is then answered; the seconds that it took.

        Args:
            lane: Of this race.
            place: Of the part that is answered.

        Raises:
            TrainingError: The loss, or an answer, is not finite.
        """
        fit, held = self.folds[place]
        self.course.say(f"race: {lane.entrant.name}, part {place + 1} of {len(self.folds)}")
        began = self.course.clock()
        with enough_memory():
            logits = lane.entrant.way.answers(fit, held, stream(self.course.seed, "race", place))
        if not np.isfinite(logits).all():
            raise TrainingError("Its answers are not finite. Choose a smaller optimizer.lr.")
        lane.answers = lane.answers.filled(np.searchsorted(self.course.rows, held), logits.astype(np.float32))
        return self.course.clock() - began

    def _has_time(self, lane: Lane) -> bool:
        """Whether a training and the longest final fit that could follow fit into the time that is left."""
        if self.course.limit is None:
            return True
        lane.expected = lane.expected or Expected.of(lane.entrant, len(self.folds[0][0]), len(self.labels))
        others = [one.expected.final for one in self.lanes if one.running and one.raced and one.expected]
        needed = (lane.expected.later if lane.raced else lane.expected.first) + max([lane.expected.final, *others])
        left = self.course.limit - (self.course.clock() - self.began)
        if needed <= left:
            return True
        note = f"It would take about {needed:.0f} s with the final fit, and {max(0.0, left):.0f} s are left."
        if lane.raced:
            lane.note = note
        else:
            lane.end("skipped", note)
        return False
