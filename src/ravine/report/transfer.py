"""What the section about transfer shows: how much of the body was trained, what was measured, and the race."""

import math
from dataclasses import dataclass
from functools import cached_property

LEAST = 0.10
"""How far an axis of gains goes to the left at least, where a contestant is that far behind."""


@dataclass(frozen=True)
class Cell:
    """One cell of the textbook's table.

    Attributes:
        advice: What it says to train.
        measured: Whether the measurements put the pictures here.
        by_number: Whether the number of pictures alone would have put them here.
    """

    advice: str
    measured: bool = False
    by_number: bool = False


@dataclass(frozen=True)
class Depth:
    """What was measured at one depth of the body.

    Attributes:
        name: What the depth is called.
        width: The number of its features.
        neighbours: Leave-one-out accuracy of the nearest neighbours.
        ridge: The same of a ridge head.
        gradient: The norm of the gradient of the stage that ends here, relative to its weights.
    """

    name: str
    width: int
    neighbours: float
    ridge: float
    gradient: float = math.nan

    @property
    def accuracy(self) -> float:
        """That of the better of the two."""
        return max(self.neighbours, self.ridge)


@dataclass(frozen=True)
class Measured:
    """The two axes of the table, measured.

    Attributes:
        small: The cells of a small data set: similar, then different.
        large: The same of a large one.
        sentences: What was measured and what follows from it.
        depths: From the input to the output.
        peak: The place of the depth that tells the classes apart best.
        chance: The accuracy of always naming the largest class.
        sizes: Pairs of a number of pictures and the accuracy with so many, rising in number.
        seconds: Pairs of a measurement and what it took.
    """

    small: tuple[Cell, Cell]
    large: tuple[Cell, Cell]
    sentences: tuple[str, ...]
    depths: tuple[Depth, ...]
    peak: int
    chance: float
    sizes: tuple[tuple[int, float], ...]
    seconds: tuple[tuple[str, float], ...] = ()

    @property
    def total(self) -> float:
        """Seconds of all measurements."""
        return sum(seconds for _, seconds in self.seconds)


@dataclass(frozen=True)
class Contestant:
    """One way to transfer and what it was worth.

    Attributes:
        name: In words.
        setting: What to set in order to have it, such as "last1"; may be empty.
        outcome: What became of it, in words.
        note: Why, in a sentence; may be empty.
        chosen: Whether it was taken.
        reference: Whether the gains of the others are against it.
        pictures: How many it was judged on; 0 where it was not raced.
        accuracy: On these.
        nll: Negative log-likelihood on these.
        gain: Its accuracy minus that of the reference on the same pictures.
        low: The lower end of the interval of the gain.
        high: The upper end.
        seconds: What racing it took.
    """

    name: str
    outcome: str
    note: str = ""
    chosen: bool = False
    reference: bool = False
    pictures: int = 0
    accuracy: float = math.nan
    nll: float = math.nan
    gain: float = math.nan
    low: float = math.nan
    high: float = math.nan
    seconds: float = math.nan
    setting: str = ""

    @property
    def compared(self) -> bool:
        """Whether it has a gain to show."""
        return math.isfinite(self.gain)


@dataclass(frozen=True)
class Transfer:
    """How much of the body was trained, and why.

    Attributes:
        verdict: The first sentence: what was trained, and why.
        rule: By what the race was decided, in a sentence.
        remarks: What else to know at once, such as what the textbook would have said.
        contestants: Those of the race, in order, with those that were not raced or failed.
        margin: The gain in accuracy that more training must be worth.
        confidence: Of the intervals, such as 0.95.
        seconds: What measuring and racing took together.
        measured: The table's axes; None where they could not be measured.
    """

    verdict: str
    contestants: tuple[Contestant, ...]
    margin: float
    confidence: float
    seconds: float
    rule: str = ""
    remarks: tuple[str, ...] = ()
    measured: Measured | None = None

    @cached_property
    def gains(self) -> tuple[float, float]:
        """The ends of an axis of gains, at whole points: it shows zero, the margin, and every gain and interval.

        To the left it goes no farther than `LEAST` or the greatest gain to the right, so that one contestant that is
        far behind does not press the others together.

        Example:
            >>> raced = Contestant("", "", gain=0.02, low=0.001, high=0.038), Contestant("", "", gain=-0.4)
            >>> Transfer("", raced, 0.003, 0.95, 1.0).gains
            (-0.1, 0.04)
        """
        ends = [end for one in self.contestants for end in (one.gain, one.low, one.high) if math.isfinite(end)]
        low, high = min([-2 * self.margin, *ends]), max([2 * self.margin, *ends])
        points = round(100 * max(low, min(-LEAST, -high)), 6), round(100 * high, 6)
        return math.floor(points[0]) / 100, math.ceil(points[1]) / 100

    @property
    def compared(self) -> bool:
        """Whether any contestant has a gain to show."""
        return any(one.compared for one in self.contestants)

    @property
    def off_axis(self) -> bool:
        """Whether any gain lies to the left of the axis."""
        return any(one.gain < self.gains[0] for one in self.contestants)

    def place(self, gain: float) -> float:
        """Where a gain stands on that axis, in [0, 1]; below 0 where it lies to the left of it."""
        low, high = self.gains
        return (gain - low) / (high - low)

    @property
    def raced_seconds(self) -> float:
        """What racing all contestants took."""
        return sum(one.seconds for one in self.contestants if math.isfinite(one.seconds))
