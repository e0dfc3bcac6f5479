"""The line search of Moré and Thuente, for many members at once.

Along a direction d, with φ(α) = f(x + αd), it looks for a step α that satisfies the strong Wolfe conditions

    φ(α) ≤ φ(0) + c₁ α φ′(0)   and   |φ′(α)| ≤ c₂ |φ′(0)|.

Source: J. J. Moré and D. J. Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM Transactions
on Mathematical Software 20 (1994) 286–307: the search algorithm of section 2 with the modified updating algorithm of
section 3 and the trial values of section 4. Where the values differ by less than their rounding error, the trapezoid
α (φ′(0) + φ′(α)) / 2 stands for φ(α) − φ(0), exact for quadratics; the first condition then is the approximate one of
W. W. Hager and H. Zhang, SIAM Journal on Optimization 16 (2005) 170–192, equation (4.1): φ′(α) ≤ (2c₁ − 1) φ′(0).

Scalars of members are NumPy vectors: the decisions of a round then cost one transfer from the device.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ravine.optim.second_order.trial_value import Ends, trial_value

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SHRINK = 0.66
EXTRAPOLATE_LEAST, EXTRAPOLATE_MOST = 1.1, 4.0
NARROWEST = 1e-10
MOST_TRIALS = 20
ROUNDING_UNITS = 16


class Verdict(IntEnum):
    """What a trial step led to."""

    SEARCHING = 0
    ACCEPTED = 1
    FAILED = 2


@dataclass
class LineSearch:
    """Searches of k members side by side; every array is [k].

    Attributes:
        c1: The sufficient decrease that a step must bring, as a part of what the slope promises.
        c2: How far the slope must fall, as a part of the slope at the start.
        rounding: Values are told apart when they differ by more than this part of them.
        trial: The steps to try next.
    """

    c1: float
    c2: float
    rounding: float
    trial: Floats
    value0: Floats
    slope0: Floats
    ends: Ends
    low: Floats
    high: Floats
    limit: Floats
    width: Floats
    width_before: Floats
    first_stage: Flags
    trials: NDArray[np.int64]

    @classmethod
    def of(cls, members: int, c1: float, c2: float, epsilon: float) -> "LineSearch":
        """Searches that have not begun; see `start`. Values are known to the relative precision epsilon."""
        trial, value, slope, low, high, limit, width, before = (np.zeros(members) for _ in range(8))
        ends, begun, trials = Ends.at_zero(value, slope), np.ones(members, bool), np.zeros(members, np.int64)
        rounding = ROUNDING_UNITS * epsilon
        return cls(c1, c2, rounding, trial, value, slope, ends, low, high, limit, width, before, begun, trials)

    def start(self, which: Flags, value: Floats, slope: Floats, trial: Floats) -> None:
        """Begin a new search for some members.

        Args:
            which: The members that begin anew.
            value: φ(0) of all k members.
            slope: φ′(0) of all k members, negative.
            trial: The first step to try.
        """
        fresh = (trial, value, slope, 0.0, (1 + EXTRAPOLATE_MOST) * trial, np.inf, np.inf, np.inf, True, 0)
        for name, new in zip(_SCALARS, fresh, strict=True):
            setattr(self, name, np.where(which, new, getattr(self, name)))
        self.ends = self.ends.replace(which, Ends.at_zero(np.zeros_like(value), slope))

    def keep(self, kept: NDArray[np.int64]) -> None:
        """Keep only the members at these positions."""
        for name in _SCALARS:
            setattr(self, name, getattr(self, name)[kept])
        self.ends = self.ends.take(kept)

    def advance(self, value: Floats, slope: Floats) -> NDArray[np.int64]:
        """Judge the trial steps, and choose the next ones.

        Args:
            value: φ at the trial steps.
            slope: φ′ at the trial steps.

        Returns:
            A `Verdict` a member. `trial` is a new step only where the search goes on.
        """
        self.trials = self.trials + 1
        finite = np.isfinite(value) & np.isfinite(slope)
        rise = self._rise(value, slope)
        enough = rise <= self.c1 * self.trial * self.slope0
        accepted = finite & enough & (np.abs(slope) <= -self.c2 * self.slope0)
        stuck = self._stuck(finite, enough, slope) & ~accepted
        with np.errstate(all="ignore"):
            self._shorten(~finite)
            self._narrow(finite & ~accepted, rise, slope, enough)
        return np.where(accepted, Verdict.ACCEPTED, np.where(stuck, Verdict.FAILED, Verdict.SEARCHING))

    def _rise(self, value: Floats, slope: Floats) -> Floats:
        """φ(α) − φ(0), from the slopes where rounding hides it."""
        with np.errstate(invalid="ignore"):
            rise = value - self.value0
            hidden = np.abs(rise) <= self.rounding * np.abs(self.value0)
            return np.where(hidden, self.trial * (self.slope0 + slope) / 2, rise)

    def _stuck(self, finite: Flags, enough: Flags, slope: Floats) -> Flags:
        outside = (self.trial <= self.low) | (self.trial >= self.high)
        narrow = self.high - self.low <= NARROWEST * self.high
        at_limit = (self.trial >= self.limit) & enough & (slope <= self.c1 * self.slope0)
        return (finite & ((self.ends.bracketed & (outside | narrow)) | at_limit)) | (self.trials >= MOST_TRIALS)

    def _shorten(self, which: Flags) -> None:
        self.limit = np.where(which, self.ends.best + 0.5 * (self.trial - self.ends.best), self.limit)
        self.trial = np.where(which, self.ends.best + 0.25 * (self.trial - self.ends.best), self.trial)
        self.high = np.where(which, np.minimum(self.high, self.limit), self.high)

    def _narrow(self, which: Flags, rise: Floats, slope: Floats, enough: Flags) -> None:
        """One turn of the search algorithm: a trial value from the interval, then the next interval."""
        self.first_stage = self.first_stage & ~(which & enough & (slope >= 0))
        tilted = self.first_stage & (rise <= self.ends.best_value) & ~enough
        tilt = np.where(tilted, self.c1 * self.slope0, 0.0)
        ends, trial = trial_value(
            self.ends.tilted(-tilt), self.trial, rise - tilt * self.trial, slope - tilt, self.low, self.high
        )
        ends = ends.tilted(tilt)
        span = np.abs(ends.other - ends.best)
        halve = ends.bracketed & (span >= SHRINK * self.width_before)
        trial = np.where(halve, ends.best + 0.5 * (ends.other - ends.best), trial)
        reach = trial - ends.best
        low = np.where(ends.bracketed, np.minimum(ends.best, ends.other), trial + EXTRAPOLATE_LEAST * reach)
        high = np.where(ends.bracketed, np.maximum(ends.best, ends.other), trial + EXTRAPOLATE_MOST * reach)
        trial = np.minimum(trial, self.limit)
        spent = ends.bracketed & ((trial <= low) | (trial >= high) | (high - low <= NARROWEST * high))
        self._set(which, trial=np.where(spent, ends.best, trial), low=low, high=high)
        self._set(which & ends.bracketed, width_before=self.width, width=span)
        self.ends = self.ends.replace(which, ends)

    def _set(self, which: Flags, **new: Floats) -> None:
        for name, value in new.items():
            setattr(self, name, np.where(which, value, getattr(self, name)))


_SCALARS = (
    "trial", "value0", "slope0", "low", "high", "limit", "width", "width_before", "first_stage", "trials",
)  # fmt: skip
