"""The techniques that a plan can name, and the card of each."""

import dataclasses
import inspect
import sys
from typing import Any, get_args, get_type_hints

from ravine.base.errors import PlanError, unknown
from ravine.base.ranges import Range
from ravine.interfaces import Part
from ravine.plan.catalog import PARTS, name_of, table


def listing() -> str:
    """Every technique by kind, with the first line of its card."""
    width = max(len(name) for kind in PARTS for name in table(kind))
    lines = []
    for kind in PARTS:
        lines.append(f"{kind}  (--set {'NAME=VALUE' if kind == 'technique' else f'{kind}=NAME'})")
        lines += [f"  {name:<{width}}  {_title(cls)}" for name, cls in table(kind).items()]
        lines.append("")
    return "\n".join([*lines, "ravine techniques NAME explains one."])


def card(name: str) -> str:
    """What a technique does, its formula and its source, and its settings with their ranges.

    Raises:
        PlanError: There is no technique of that name.
    """
    known = {own: (kind, cls) for kind in PARTS for own, cls in table(kind).items()}
    if name not in known:
        raise PlanError(unknown("technique", name, known))
    kind, cls = known[name]
    texts = [inspect.cleandoc(text or "") for text in (sys.modules[cls.__module__].__doc__, cls.__doc__)]
    return "\n".join(
        [
            f"{name} ({kind})",
            "",
            "\n\n".join(texts),
            "",
            "Settings:",
            *_settings(name if kind == "technique" else kind, cls),
        ]
    )


def _title(cls: type) -> str:
    return inspect.cleandoc(sys.modules[cls.__module__].__doc__ or "").partition("\n")[0]


def _settings(path: str, cls: type) -> list[str]:
    hints = get_type_hints(cls, include_extras=True)
    fields = dataclasses.fields(cls)
    return [f"  {path}.{field.name} = {_default(field)}{_allowed(hints[field.name])}" for field in fields] or ["  none"]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        made = field.default_factory()
        return name_of(made) if isinstance(made, Part) else repr(made)
    return "needed" if field.default is dataclasses.MISSING else repr(field.default)


def _allowed(hint: Any) -> str:
    limits = [extra for extra in get_args(hint) if isinstance(extra, Range)]
    words = [entry for entry in get_args(hint) if isinstance(entry, str)]
    return f"   in {limits[0]}" if limits else f"   one of {', '.join(words)}" if words else ""
