"""The part of a plan that belongs to one member."""

import dataclasses
from typing import TypeVar

from ravine.base.ranges import hyperparameters
from ravine.interfaces import Part

AnyPart = TypeVar("AnyPart", bound=Part)


def of_member(part: AnyPart, member: int) -> AnyPart:
    """The part as one member has it: of hyperparameters with one value a member, the member's own.

    Example:
        >>> from ravine.optim.adam import Adam
        >>> of_member(Adam(lr=(0.1, 0.2)), 1).lr
        0.2
    """
    own = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Part):
            own[field.name] = of_member(value, member)
        elif isinstance(value, tuple) and field.name in hyperparameters(type(part)):
            own[field.name] = value[member]
    return dataclasses.replace(part, **own)
