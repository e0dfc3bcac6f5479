"""Who enters a race of ways to transfer, what each is expected to take, and what is known of it so far."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ravine.transfer.contest import Answers, Look, gain
from ravine.transfer.decision import Contestant, Outcome


class Way(Protocol):
    """One way to transfer, ready to be trained on some pictures."""

    def answers(self, fit_rows: NDArray[np.int64], held_rows: NDArray[np.int64], seed: int) -> NDArray[np.floating]:
        """Train on some pictures and answer others: logits [n, C], rows in the order of `held_rows`."""
        ...

    def expected_seconds(self, pictures: int) -> float:
        """About what one training on so many pictures would take."""
        ...


@dataclass(frozen=True)
class Entrant:
    """A way that enters the race.

    Attributes:
        name: Such as last1.
        way: What is trained.
        trainings: How many trainings on all pictures the final fit takes, if it wins.
    """

    name: str
    way: Way
    trainings: float = 1.0


@dataclass(frozen=True)
class Expected:
    """Seconds that a way is expected to take.

    Attributes:
        first: In the first round, with what is computed once, such as features.
        later: In each of the others.
        final: The final fit, if it wins.
    """

    first: float
    later: float
    final: float

    @classmethod
    def of(cls, entrant: Entrant, part: int, every: int) -> "Expected":
        """What the way says.

        Args:
            entrant: The way.
            part: Pictures of a training in the race.
            every: Pictures of the final fit.
        """
        whole, half, one = (entrant.way.expected_seconds(pictures) for pictures in (every, every // 2, part))
        once = min(max(0.0, 2 * half - whole), one)  # what does not grow with the pictures that are trained on
        return cls(one, one - once, entrant.trainings * (whole - once))

    def slower(self, factor: float) -> "Expected":
        """The same if all takes so many times as long."""
        return Expected(factor * self.first, factor * self.later, factor * self.final)


@dataclass
class Lane:
    """What is known of one entrant: its answers, the seconds of its trainings and those that are expected, its end."""

    entrant: Entrant
    answers: Answers
    seconds: float = 0.0
    expected: Expected | None = None
    outcome: Outcome | None = None
    note: str = ""

    @property
    def running(self) -> bool:
        """Whether it is still in the race."""
        return self.outcome is None

    @property
    def raced(self) -> bool:
        """Whether it has answered."""
        return bool(self.answers.judged.any())

    def end(self, outcome: Outcome, note: str) -> None:
        """Take it out of the race."""
        self.outcome, self.note = outcome, note

    def told(self, first: "Lane | None", blocks: NDArray[np.int64], look: Look) -> Contestant:
        """What became of it.

        Args:
            first: The least unfrozen that has answered, which its gain is over; None where none has.
            blocks: [N]; pictures with one number count as dependent.
            look: The last look, whose confidence the interval has.
        """
        answers, judged = self.answers, self.answers.judged
        found = Contestant(self.entrant.name, self.outcome or "no clear gain", self.note, seconds=self.seconds)
        if first is None or not self.raced:
            return found
        difference = gain(first.answers, answers, blocks) if self is not first else None
        return replace(
            found,
            pictures=int(judged.sum()),
            accuracy=float(answers.right[judged].mean()),
            nll=float(answers.nll[judged].mean()),
            gain=difference and difference.mean,
            low=difference and difference.low(look.gain_chance),
            high=difference and difference.high(look.gain_chance),
        )
