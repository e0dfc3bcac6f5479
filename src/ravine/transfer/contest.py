"""Who leaves a race of ways to transfer, and who wins it, by what each was right about.

Contestants stand from the least unfrozen to the most, and the first of them is the yardstick. After each look, for a
contestant A and one B that trains more:

    B beats A        its gain over A is clear: the lower end is above MARGIN; or its accuracy is more than MARGIN
                     higher, and its negative log-likelihood lower, as surely as LIKELIHOOD_CHANCES ask
    A beats B        B's gain over A is clearly below zero
    B is out         its gain over the yardstick cannot be MARGIN any more: its upper end is below it; or it would
                     hardly be clear after the last look, if B went on as it did

Gains are paired picture by picture and respect blocks. The yardstick wins unless others beat it; of those
that do, the one with the lowest negative log-likelihood. For they all cost the same to use, and a calibrated likelihood
tells with fewer pictures than accuracy which is better: see `benchmarks/regret.py`.

A contestant that is only equal should not win by chance, and one that is better must not lose for want of pictures:
with few pictures an interval of 95 % nearly always keeps the head. Simulated for true gains of 1 ± 4 points, a chance
of 0.05 left on average 0.9 points on the table for 200 pictures and one rival, a chance of 0.2 left 0.6, and with the
likelihood beside it 0.4. To drop who has little hope saved a third of the trainings, and cost nothing that could be
measured, where some 150 pictures had judged (`FEWEST`). Half of the chance of a gain is for the last look, where the
pictures are most, and the other half for those before it in equal parts, so that over all looks it holds by the union
bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ravine.stats.calibration import fit_temperature, probabilities
from ravine.stats.paired import Difference, difference_of_right, mean_difference
from ravine.transfer.decision import MARGIN, Outcome

GAIN_CHANCE = 0.2
"""The chance, over all looks, that one rival of equal accuracy seems clearly better, or one that is better by MARGIN
seems unable to be."""

LIKELIHOOD_CHANCES = 0.01, 0.25
"""The same for a clearly lower negative log-likelihood, at each look before the last one and at the last one. An equal
rival that wins by it costs nothing but its training, and one that is missed costs its gain: on the cells of
`benchmarks/regret.py`, by which it was chosen, 0.2 and less left 0.66 points on the table, 0.3 and more 0.41, where
one cell of twelve made the difference."""

EARLIEST = 30
"""Pictures that must have judged before anyone leaves: with fewer, intervals by a standard error promise too much."""

HOPE = 0.1
"""The probability of being clearly better after the last look below which a contestant is dropped."""

FEWEST = 150
"""Pictures that must have judged before anyone is dropped for want of hope: with 40, the way that was
the best in the end was dropped on three of eleven data sets."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a contestant answered on pictures that it was not fitted to.

    Attributes:
        logits: [N, C]; rows are not numbers where it has not answered yet.
        labels: [N].
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]

    @classmethod
    def none(cls, labels: NDArray[np.int64], classes: int) -> "Answers":
        """No answer yet."""
        return cls(np.full((len(labels), classes), np.nan, np.float32), labels)

    def filled(self, places: NDArray[np.int64], logits: NDArray[np.float32]) -> "Answers":
        """The same with answers at further places."""
        all_logits = self.logits.copy()
        all_logits[places] = logits
        return Answers(all_logits, self.labels)

    @cached_property
    def judged(self) -> NDArray[np.bool_]:
        """Where there is an answer, [N]."""
        return ~np.isnan(self.logits[:, 0])

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether the answer is right, [N]; false without one."""
        return self.judged & (np.nan_to_num(self.logits, nan=-np.inf).argmax(1) == self.labels)

    @cached_property
    def nll(self) -> NDArray[np.float64]:
        """Negative log-likelihood of each answer at the temperature that suits all of them best, [N].

        A final model is calibrated too; without it, a network that is too sure of itself would seem worse than it is.
        """
        z, y = self.logits[self.judged], self.labels[self.judged]
        values = np.full(len(self.labels), np.nan)
        p = probabilities(z, fit_temperature(z, y))[np.arange(len(y)), y]
        values[self.judged] = -np.log(np.maximum(p, np.finfo(np.float64).tiny))
        return values


@dataclass(frozen=True)
class Look:
    """One of the looks at a race, from 1.

    Example:
        >>> [Look(number, 3).share for number in (1, 2, 3)]
        [0.25, 0.25, 0.5]
    """

    number: int
    planned: int

    @property
    def share(self) -> float:
        """Of each chance, how much is spent now."""
        if self.planned == 1:
            return 1.0
        return 0.5 if self.number == self.planned else 0.5 / (self.planned - 1)

    @property
    def gain_chance(self) -> float:
        """That a single end of an interval of a gain is wrong now."""
        return GAIN_CHANCE * self.share

    @property
    def likelihood_chance(self) -> float:
        """The same for a negative log-likelihood."""
        return LIKELIHOOD_CHANCES[self.number == self.planned]

    @property
    def confidence(self) -> float:
        """Of an interval with both ends."""
        return 1 - 2 * self.gain_chance


@dataclass(frozen=True)
class Leaving:
    """Why a contestant leaves the race."""

    outcome: Outcome
    note: str


Field = Mapping[str, Answers]
"""Contestants from the least unfrozen to the most."""


def gain(one: Answers, other: Answers, blocks: NDArray[np.int64]) -> Difference | None:
    """How much more accurate `other` is, on pictures that both answered; None where there are none."""
    both = one.judged & other.judged
    return difference_of_right(one.right[both], other.right[both], blocks[both]) if both.any() else None


def beats(one: Answers, other: Answers, blocks: NDArray[np.int64], look: Look) -> bool:
    """Whether `other`, which trains more, beats `one`."""
    found = gain(one, other, blocks)
    if found is None or found.mean <= MARGIN:
        return False
    likelier = _likelier(one, other, blocks)
    clear = likelier is not None and likelier.low(look.likelihood_chance) > 0
    return clear or found.low(look.gain_chance) > MARGIN


def hope(one: Answers, other: Answers, blocks: NDArray[np.int64], look: Look) -> float:
    """The probability that `other` will be clearly better than `one` after the last look, if they go on as they did.

    One, that is, where there is nothing to go on by, and after the last look.
    """
    found, likelier, last = gain(one, other, blocks), _likelier(one, other, blocks), Look(look.planned, look.planned)
    if found is None or likelier is None or look.number == look.planned or found.pictures < FEWEST:
        return 1.0
    pictures = found.pictures * look.planned / look.number
    by_gain = found.hope(MARGIN, pictures, last.gain_chance)
    by_likelihood = likelier.hope(0.0, pictures, last.likelihood_chance)
    return max(by_gain, min(by_likelihood, found.hope(MARGIN, pictures, 0.5)))


def _likelier(one: Answers, other: Answers, blocks: NDArray[np.int64]) -> Difference | None:
    """How much lower the negative log-likelihood of `other` is; None without two blocks that both answered."""
    both = one.judged & other.judged
    if len(np.unique(blocks[both])) < 2:
        return None
    return mean_difference(other.nll[both], one.nll[both], blocks[both])


def leaving(field: Field, running: Sequence[str], blocks: NDArray[np.int64], look: Look) -> dict[str, Leaving]:
    """Who leaves the race after a look; never all.

    Args:
        field: Who has answered.
        running: Who of these is still in the race.
        blocks: [N]; pictures with one number count as dependent.
        look: Which look this is.
    """
    first, found = next(iter(field)), {}
    for name in running:
        why = _worse(name, field, running, blocks, look)
        if why is None and name != first and first in running:
            why = _hopeless(first, field[first], field[name], blocks, look)
        if why:
            found[name] = why
    return {} if len(found) == len(running) else found


def _worse(name: str, field: Field, running: Sequence[str], blocks: NDArray[np.int64], look: Look) -> Leaving | None:
    """Which other contestant beats this one, and how; None where none does."""
    own, place = field[name], running.index(name)
    others = {other: field[other] for other in running if _enough(own, field[other], blocks)}
    for other in running[:place]:
        difference = gain(field[other], own, blocks)
        if other in others and difference is not None and difference.high(look.gain_chance) < 0:
            return Leaving("worse", f"Clearly less accurate than {other}.")
    better = [other for other in running[place + 1 :] if other in others and beats(own, others[other], blocks, look)]
    if not better:
        return None
    best = max(better, key=lambda other: others[other].right[others[other].judged].mean())
    return Leaving("worse", f"{best} beat it.")


def _hopeless(first: str, one: Answers, own: Answers, blocks: NDArray[np.int64], look: Look) -> Leaving | None:
    """Why a contestant cannot beat the yardstick any more; None where it can."""
    difference = gain(one, own, blocks)
    if difference is None or not _enough(one, own, blocks):
        return None
    high = difference.high(look.gain_chance)
    if high < MARGIN:
        return Leaving("dropped", f"It could gain {100 * high:.1f} points over {first} at most.")
    if hope(one, own, blocks, look) < HOPE:
        return Leaving("dropped", f"It had little hope to become clearly better than {first}.")
    return None


def _enough(one: Answers, other: Answers, blocks: NDArray[np.int64]) -> bool:
    """Whether so many pictures, of different blocks, were judged by both that one of them may leave."""
    return len(np.unique(blocks[one.judged & other.judged])) >= EARLIEST


def beating(field: Field, running: Sequence[str], blocks: NDArray[np.int64], look: Look) -> list[str]:
    """Who of those in the race beats the yardstick."""
    first = next(iter(field))
    return [name for name in running if name != first and beats(field[first], field[name], blocks, look)]


def winner(field: Field, running: Sequence[str], blocks: NDArray[np.int64], look: Look) -> str:
    """The yardstick, unless others beat it; of those, the one that finds the right answers likeliest."""
    first, better = next(iter(field)), beating(field, running, blocks, look)
    if first in running and not better:
        return first
    among = better or running
    common = np.logical_and.reduce([field[name].judged for name in among])
    return min(among, key=lambda name: field[name].nll[common].mean())
