"""The one tree of errors.

    RavineError              every error that a user can cause and mend; the command line exits with code 2
    ├── SourceError          the pictures or labels cannot be used as given
    │   └── ImageError       one picture cannot be decoded
    ├── PlanError            a choice is unknown, out of range, or contradicts another
    │   └── RangeError       a value that a setting may never have, whatever the others are
    ├── BundleError          a model file is damaged, or not one of ours
    ├── OutputError          the results cannot be written where they should go
    └── TrainingError        training cannot go on (a loss is not finite, memory is exhausted)

A message says what was given, what is allowed, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RavineError(Exception):
    """An error that a user can cause and mend."""


class SourceError(RavineError):
    """The pictures or labels cannot be used as given."""


class ImageError(SourceError):
    """One picture cannot be decoded."""


class PlanError(RavineError):
    """A choice is unknown, out of range, or contradicts another."""


class RangeError(PlanError):
    """A value that a setting may never have, whatever the others are."""


class BundleError(RavineError):
    """A model file is damaged, or not one of ours."""


class OutputError(RavineError):
    """The results cannot be written where they should go."""


class TrainingError(RavineError):
    """Training cannot go on."""


def unknown(kind: str, given: str, allowed: Iterable[str]) -> str:
    """Say that a name is not known, with the nearest valid one.

    Args:
        kind: What the name was to be, such as ``"optimizer"``.
        given: The name as given.
        allowed: The valid names.

    Returns:
        One sentence or two.

    Example:
        >>> unknown("optimizer", "addam", ["adam", "sgd"])
        "There is no optimizer 'addam'. Did you mean 'adam'? Allowed: adam, sgd."
    """
    names = sorted(allowed)
    near = get_close_matches(given, names, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {kind} {given!r}.{guess} Allowed: {', '.join(names)}."
