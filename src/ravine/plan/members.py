"""The part of a plan that belongs to some of its members."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from ravine.base.errors import PlanError
from ravine.base.ranges import hyperparameters
from ravine.interfaces import Part
from ravine.plan.catalog import name_of
from ravine.plan.plan import Plan
from ravine.regularize.early_stopping import EarlyStopping

AnyPart = TypeVar("AnyPart", bound=Part)


def of_members(part: AnyPart, members: Sequence[int]) -> AnyPart:
    """The part as some members have it: of hyperparameters with one value a member, the values of these.

    Args:
        part: Of the whole plan.
        members: Their numbers, from 0; for one alone, its values are single numbers.

    Raises:
        PlanError: There are fewer values than members.

    Example:
        >>> from ravine.optim.adam import Adam
        >>> of_members(Adam(lr=(0.1, 0.2, 0.3)), [2, 0]).lr, of_members(Adam(lr=(0.1, 0.2)), [1]).lr
        ((0.3, 0.1), 0.2)
    """
    own: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Part):
            own[field.name] = of_members(value, members)
        elif isinstance(value, tuple) and field.name in hyperparameters(type(part)):
            if max(members) >= len(value):
                raise PlanError(
                    f"{type(part).__name__}.{field.name} has {len(value)} values, and member {max(members) + 1} needs "
                    "its own. Give one number, or one a member."
                )
            values = tuple(value[member] for member in members)
            own[field.name] = values[0] if len(values) == 1 else values
    return dataclasses.replace(part, **own)


def single(plan: Plan, seed: int) -> Plan:
    """The plan of one member that is trained to its last epoch on given pictures: the first, with another seed.

    What needs other members, or pictures to judge by, is left out: ensembles, rungs, early stopping and the refit.

    Args:
        plan: Of training in steps.
        seed: Its seed.
    """
    parts = {"optimizer": of_members(plan.optimizer, [0]), "schedule": plan.schedule and of_members(plan.schedule, [0])}
    techniques = [of_members(part, [0]) for part in plan.techniques if not isinstance(part, EarlyStopping)]
    return dataclasses.replace(
        plan,
        **parts,
        penalty=tuple(of_members(part, [0]) for part in plan.penalty or ()),
        techniques=tuple(techniques),
        ensemble=None,
        members=1,
        same_order=False,
        rungs=(),
        execution=None,
        refit=False,
        seed=seed,
    )


def own_values(plan: Plan, member: int) -> list[str]:
    """The hyperparameters that a member has for itself, by the names of their settings.

    Args:
        plan: Of all members.
        member: Its number, from 0.
    """
    parts = [
        *(("optimizer", plan.optimizer), ("schedule", plan.schedule)),
        *(("penalty", part) for part in plan.penalty or ()),
        *((name_of(part), part) for part in plan.techniques),
        ("ensemble", plan.ensemble),
    ]
    return [f"{name}.{value}" for name, part in parts if part for value in _own_values(part, member)]


def _own_values(part: Part, member: int) -> list[str]:
    own = []
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Part):
            own += [f"{field.name}.{inner}" for inner in _own_values(value, member)]
        elif isinstance(value, tuple) and field.name in hyperparameters(type(part)):
            own.append(f"{field.name} {value[member]:.3g}")
    return own
