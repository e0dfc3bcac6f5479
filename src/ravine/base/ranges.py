"""The values that a number may take, checked in one place and said in one way."""

import dataclasses
import math
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ravine.base.errors import PlanError, RangeError

Hyper = float | tuple[float, ...]
"""A hyperparameter: one value, or one value a member."""


@dataclass(frozen=True)
class Range:
    """An interval of real numbers; each end is closed unless said otherwise.

    Example:
        >>> unit = Range(0, 1, high_open=True)
        >>> str(unit), 0.5 in unit, 1.0 in unit
        ('[0, 1)', True, False)
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        left = "(" if self.low_open or self.low == -math.inf else "["
        right = ")" if self.high_open or self.high == math.inf else "]"
        return f"{left}{_number(self.low)}, {_number(self.high)}{right}"


def _number(value: float) -> str:
    return {math.inf: "∞", -math.inf: "−∞"}.get(value, f"{value:g}")


Positive = Annotated[Hyper, Range(0, low_open=True)]
NonNegative = Annotated[Hyper, Range(0)]
Fraction = Annotated[Hyper, Range(0, 1)]
Decay = Annotated[Hyper, Range(0, 1, high_open=True)]
Count = Annotated[int, Range(1)]


def check_ranges(part: Any) -> None:
    """Check every annotated field of a dataclass instance against its range and its allowed words.

    Args:
        part: An instance of a dataclass whose fields may be annotated with a `Range`, or with a `Literal`.

    Raises:
        RangeError: A value lies outside; the message names the field, the value and what is allowed.
    """
    for name, allowed in _limits(type(part)).items():
        value = getattr(part, name)
        if value is None:
            continue
        label = f"{type(part).__name__}.{name}"
        if isinstance(allowed, Range):
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, bool) or not isinstance(number, int | float) or number not in allowed:
                    raise RangeError(f"{label} = {number!r} is outside its range. Choose a number in {allowed}.")
        elif not any(type(value) is type(word) and value == word for word in allowed):
            raise RangeError(f"{label} = {value!r} is not allowed. Choose one of {', '.join(map(repr, allowed))}.")


@cache
def _limits(cls: type) -> dict[str, Range | tuple[Any, ...]]:
    hints = get_type_hints(cls, include_extras=True)
    limits: dict[str, Range | tuple[Any, ...]] = {}
    for field in dataclasses.fields(cls):
        hint = _without_none(hints[field.name])
        if get_origin(hint) is Annotated:
            limits[field.name] = next(extra for extra in get_args(hint)[1:] if isinstance(extra, Range))
        elif get_origin(hint) is Literal:
            limits[field.name] = get_args(hint)
    return limits


def _without_none(hint: Any) -> Any:
    others = [option for option in get_args(hint) if option is not NoneType]
    return others[0] if get_origin(hint) in (Union, UnionType) and len(others) == 1 else hint


def hyperparameters(cls: type) -> tuple[str, ...]:
    """Name the fields of a part that may hold one value a member."""
    hints = get_type_hints(cls, include_extras=False)
    return tuple(field.name for field in dataclasses.fields(cls) if hints[field.name] == Hyper)


def one_value(label: str, value: Hyper) -> float:
    """The value itself; a technique acts in the network of one member.

    Args:
        label: What it is, such as "Dropout.p".
        value: One number.

    Raises:
        PlanError: There are several.

    Example:
        >>> one_value("Dropout.p", 0.5)
        0.5
    """
    if isinstance(value, tuple):
        raise PlanError(f"{label} has {len(value)} values for one member. Give the member its own.")
    return float(value)
