"""A hyperparameter where there is one member."""

from ravine.base.errors import PlanError
from ravine.base.ranges import Hyper


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
