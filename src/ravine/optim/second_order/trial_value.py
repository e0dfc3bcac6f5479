"""The next step to try within an interval that holds a minimizer, from values and slopes at three points.

Source: J. J. Moré and D. J. Thuente (1994), section 4, cases 1 to 4, for many members at once.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAREST_SHARE = 0.66


@dataclass(frozen=True)
class Ends:
    """The interval of uncertainty: its best end, its other end, and whether they are known to hold a minimizer."""

    best: Floats
    best_value: Floats
    best_slope: Floats
    other: Floats
    other_value: Floats
    other_slope: Floats
    bracketed: Flags

    @classmethod
    def at_zero(cls, value: Floats, slope: Floats) -> "Ends":
        """Both ends at the step 0."""
        zero = np.zeros_like(value)
        return cls(zero, value, slope, zero, value, slope, np.zeros(value.shape, bool))

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The fields in order."""
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self))

    def take(self, kept: NDArray[np.int64]) -> "Ends":
        """Only the members at these positions."""
        return Ends(*(array[kept] for array in self.arrays()))

    def replace(self, which: Flags, new: "Ends") -> "Ends":
        """Other ends for some members."""
        return Ends(*(np.where(which, a, b) for a, b in zip(new.arrays(), self.arrays(), strict=True)))

    def tilted(self, slope: Floats) -> "Ends":
        """The ends of φ(α) + slope·α, the auxiliary function ψ of the paper's equation (2.1)."""
        return dataclasses.replace(
            self,
            best_value=self.best_value + slope * self.best,
            best_slope=self.best_slope + slope,
            other_value=self.other_value + slope * self.other,
            other_slope=self.other_slope + slope,
        )


def trial_value(
    ends: Ends, trial: Floats, value: Floats, slope: Floats, low: Floats, high: Floats
) -> tuple[Ends, Floats]:
    """Choose the next trial step and update the interval.

    Args:
        ends: The interval before.
        trial: The step just tried.
        value: φ at the trial step.
        slope: φ′ at the trial step.
        low: The least step allowed next, [k].
        high: The greatest step allowed next, [k].

    Returns:
        The interval after, and the next step.
    """
    higher = value > ends.best_value
    turned = slope * np.sign(ends.best_slope) < 0
    flatter = np.abs(slope) < np.abs(ends.best_slope)
    gap = ends.best - trial
    secant = trial + slope / (slope - ends.best_slope) * gap
    ratio, curved = _cubic(trial, value, slope, ends.best, ends.best_value, ends.best_slope)
    cubic = trial + ratio * gap
    farthest = np.where(trial > ends.best, high, low)
    next_trial = np.select(
        [higher, turned, flatter],
        [
            _when_higher(ends, trial, value, slope),
            np.where(np.abs(cubic - trial) > np.abs(secant - trial), cubic, secant),
            _when_flatter(
                ends, trial, np.where((ratio < 0) & curved, cubic, farthest), secant, np.minimum(low, high), high
            ),
        ],
        _when_steep(ends, trial, value, slope, farthest),
    )
    here = Ends(trial, value, slope, trial, value, slope, np.ones_like(higher))
    return _updated(ends, here, higher, turned), next_trial


def _cubic(
    start: Floats, value: Floats, slope: Floats, end: Floats, end_value: Floats, end_slope: Floats
) -> tuple[Floats, Flags]:
    """Where the cubic through two points and slopes is least, as a part of the way from start to end."""
    theta = 3 * (end_value - value) / (start - end) + slope + end_slope
    scale = np.maximum(np.abs(theta), np.maximum(np.abs(slope), np.abs(end_slope)))
    radicand = (theta / scale) ** 2 - (slope / scale) * (end_slope / scale)
    gamma = scale * np.sqrt(np.maximum(radicand, 0)) * np.where(end < start, -1.0, 1.0)
    return ((gamma - slope) + theta) / (((gamma - slope) + gamma) + end_slope), gamma != 0


def _when_higher(ends: Ends, trial: Floats, value: Floats, slope: Floats) -> Floats:
    """Case 1: the value rose, so that a minimizer lies between."""
    span = trial - ends.best
    ratio, _ = _cubic(ends.best, ends.best_value, ends.best_slope, trial, value, slope)
    cubic = ends.best + ratio * span
    fall = (ends.best_value - value) / span + ends.best_slope
    quadratic = ends.best + ends.best_slope / fall / 2 * span
    closer = np.abs(cubic - ends.best) < np.abs(quadratic - ends.best)
    return np.where(closer, cubic, cubic + (quadratic - cubic) / 2)


def _when_flatter(ends: Ends, trial: Floats, cubic: Floats, secant: Floats, low: Floats, high: Floats) -> Floats:
    """Case 3: lower, the slope of the same sign and smaller."""
    cubic_closer = np.abs(cubic - trial) < np.abs(secant - trial)
    within = np.where(cubic_closer, cubic, secant)
    bound = trial + NEAREST_SHARE * (ends.other - trial)
    within = np.where(trial > ends.best, np.minimum(bound, within), np.maximum(bound, within))
    beyond = np.clip(np.where(cubic_closer, secant, cubic), low, high)
    return np.where(ends.bracketed, within, beyond)


def _when_steep(ends: Ends, trial: Floats, value: Floats, slope: Floats, farthest: Floats) -> Floats:
    """Case 4: lower, the slope of the same sign and no smaller."""
    ratio, _ = _cubic(trial, value, slope, ends.other, ends.other_value, ends.other_slope)
    return np.where(ends.bracketed, trial + ratio * (ends.other - trial), farthest)


def _updated(ends: Ends, here: Ends, higher: Flags, turned: Flags) -> Ends:
    """The updating algorithm of the paper's section 2: cases U1, U2 and U3."""
    to_other = np.where(higher, here.other, np.where(turned, ends.best, ends.other))
    to_value = np.where(higher, here.other_value, np.where(turned, ends.best_value, ends.other_value))
    to_slope = np.where(higher, here.other_slope, np.where(turned, ends.best_slope, ends.other_slope))
    best = [np.where(higher, a, b) for a, b in zip(ends.arrays()[:3], here.arrays()[:3], strict=True)]
    return Ends(best[0], best[1], best[2], to_other, to_value, to_slope, ends.bracketed | higher | turned)
