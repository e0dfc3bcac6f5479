"""Plans as TOML: written and read without loss, and changed by `name=value`."""

import dataclasses
import sys
import tomllib
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import tomli_w

from ravine.base.errors import PlanError, RangeError, unknown
from ravine.data.split import SplitChoices
from ravine.interfaces import Part
from ravine.plan.catalog import PARTS, find, kind_of, name_of, parse_word, table
from ravine.plan.plan import HeadChoices, Plan, TuningChoices

Tree = dict[str, Any]

NONE: dict[str, Any] = {"penalty": [], "ensemble": None}
"""What the word none means."""


def dumps(plan: Plan) -> str:
    """Write a plan as TOML; each technique is a table under its own name."""
    tree = to_tree(plan)
    techniques = {part.pop("name"): part for part in tree.pop("techniques")}
    return tomli_w.dumps(tree | techniques)


def loads(text: str, origin: str = "the plan") -> Plan:
    """Read a plan from TOML; the inverse of `dumps`.

    Raises:
        PlanError: The text is no TOML, or says what no plan can say.
    """
    return from_tree(parse(text, origin))


def parse(text: str, origin: str) -> Tree:
    """Read TOML without judging what it says."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise PlanError(f"{origin} is not TOML: {wrong}. See the plan.toml of an earlier run for the form.") from wrong


def to_tree(value: Any) -> Any:
    """A plan, or a part of one, as nested dictionaries; what is None is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = {"name": name_of(value)} if isinstance(value, Part) and kind_of(type(value)) else {}
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return name | {key: to_tree(entry) for key, entry in fields.items() if entry is not None}
    if isinstance(value, tuple):
        return [to_tree(entry) for entry in value]
    return value


def from_tree(tree: Mapping[str, Any]) -> Plan:
    """Make a plan from nested dictionaries, in which each technique is a table under its own name, or false.

    Raises:
        PlanError: The tree says what no plan can say.
    """
    others = (*table("technique"), "techniques")
    own = {key: value for key, value in tree.items() if key not in others and value is not None}
    techniques = tuple(_technique(name, tree[name]) for name in table("technique") if _wanted(name, tree))
    return _build(Plan, own, "plan", techniques=techniques)


def _wanted(name: str, tree: Mapping[str, Any]) -> bool:
    """Whether a technique is asked for: false leaves it out, but turns off what is on without being asked for."""
    return name in tree and (tree[name] is not False or _has_off(name))


def _technique(name: str, value: Any) -> Part:
    return read_part("technique", {"name": name, **_table(name, value)}, name)


def _table(technique: str, value: Any) -> Mapping[str, Any]:
    """The short forms of a technique: true for its defaults, a value for its first field."""
    if isinstance(value, Mapping):
        return value
    if value is True:
        return {}
    first = dataclasses.fields(find("technique", technique))[0].name
    return {first: "off" if value is False else value}


def _has_off(technique: str) -> bool:
    hints = get_type_hints(find("technique", technique), include_extras=True)
    return "off" in get_args(hints[dataclasses.fields(find("technique", technique))[0].name])


def read_settings(texts: Iterable[str]) -> dict[str, Any]:
    """Read texts ``name=value`` of a command line; the value is TOML, or a bare word.

    Raises:
        PlanError: A text is not of that form.

    Example:
        >>> read_settings(["optimizer=adam", "split.test=0.25"])
        {'optimizer': 'adam', 'split.test': 0.25}
    """
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise PlanError(
                f"--set {text!r} is not of the form name=value. Write, for example, --set optimizer.lr=0.1."
            )
        settings[name.strip()] = _literal(value.strip())
    return settings


def wishes(settings: Mapping[str, Any]) -> Tree:
    """Nest settings by the dots in their names, and spell out the short forms of parts; in any order.

    Raises:
        PlanError: A plan has no setting of that name, or a part is neither a name nor a table.

    Example:
        >>> wishes({"optimizer": "adam", "optimizer.lr": 0.1, "split.test": 0.25})
        {'optimizer': {'name': 'adam', 'lr': 0.1}, 'split': {'test': 0.25}}
    """
    tree: Tree = {}
    known = [*(field.name for field in dataclasses.fields(Plan) if field.name != "techniques"), *table("technique")]
    for path, value in sorted(settings.items(), key=lambda setting: setting[0].count(".")):
        keys = path.split(".")
        if keys[0] not in known:
            raise PlanError(unknown("setting", keys[0], known))
        merge(tree, _nested(keys, _word(keys[0], value) if len(keys) == 1 else value))
    for kind in ("model", "optimizer"):
        _check_name(kind, tree.get(kind, {}))
    _check_whole(tree)
    return tree


def _check_whole(tree: Tree) -> None:
    """Judge now what can be judged without the pictures, so that a slip costs no scan."""
    for kind in PARTS:
        part = tree.get(kind)
        if isinstance(part, Mapping) and "name" in part:
            read_part(kind, part, kind)
    for name in table("technique"):
        if _wanted(name, tree):
            _technique(name, tree[name])
    if "split" in tree:
        _build(SplitChoices, tree["split"], "split")
    for name, choices in (("head", HeadChoices), ("tuning", TuningChoices)):
        if name in tree:
            _build(choices, tree[name], name)


def merge(tree: Tree, change: Mapping[str, Any]) -> Tree:
    """Apply a change to a tree in place: tables are merged, but a part with another name replaces the old one."""
    for key, value in change.items():
        old = tree.get(key)
        if isinstance(old, list) and len(old) == 1 and isinstance(value, Mapping):
            old = old[0]
        if (
            isinstance(old, dict)
            and isinstance(value, Mapping)
            and value.get("name", old.get("name")) == old.get("name")
        ):
            tree[key] = merge(dict(old), value)
        else:
            tree[key] = value
    return tree


def _nested(keys: list[str], value: Any) -> Tree:
    return {keys[0]: _nested(keys[1:], value) if len(keys) > 1 else value}


def _literal(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _word(kind: str, value: Any) -> Any:
    if kind in table("technique"):
        return value if value is False and not _has_off(kind) else _table(kind, value)
    if kind not in PARTS:
        return value
    if kind in NONE and isinstance(value, str) and value == "none":
        return NONE[kind]
    return parse_word(kind, value) if isinstance(value, str) else value


def _check_name(path: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not isinstance(value.get("name", ""), str):
        raise PlanError(f"{path} = {value!r} must be a name, or a table with a name.")


def _build(cls: type, tree: Any, path: str, **made: Any) -> Any:
    """A dataclass from a table; some fields may be made already."""
    if not isinstance(tree, Mapping):
        raise PlanError(f"{path} = {tree!r} must be a table of names and values.")
    hints = get_type_hints(cls, include_extras=True)
    known = {field.name: field for field in dataclasses.fields(cls)}
    for key in tree:
        if key not in known:
            stem = "" if path == "plan" else f"{path}."
            others = table("technique") if path == "plan" else ()
            raise PlanError(unknown("setting", stem + key, [*(stem + name for name in known), *others]))
    missing = [name for name, field in known.items() if name not in tree and _needed(field)]
    if missing:
        raise PlanError(f"{path} lacks {missing[0]}. {_how_to_add(path, missing[0], hints[missing[0]])}")
    fields = {
        key: _convert(hints[key], value, key if path == "plan" else f"{path}.{key}") for key, value in tree.items()
    }
    try:
        return cls(**fields, **made)
    except PlanError as wrong:  # a part names itself by its class; a user knows it by its setting
        raise type(wrong)(str(wrong).replace(f"{cls.__name__}.", "" if path == "plan" else f"{path}.")) from wrong


def _needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _how_to_add(path: str, name: str, hint: Any) -> str:
    kinds = [kind_of(option) for option in _options(hint) if isinstance(option, type)]
    setting = name if path == "plan" else f"{path}.{name}"
    allowed = f" Allowed: {', '.join(sorted(table(kinds[0])))}." if kinds and kinds[0] else ""
    return f"Add it, for example with --set {setting}=VALUE.{allowed}"


def _convert(hint: Any, value: Any, path: str) -> Any:
    """Turn what TOML can hold into what a field holds."""
    options = _options(hint)
    parts = tuple(option for option in options if isinstance(option, type) and issubclass(option, Part))
    if parts:
        return _fitting(parts, value, path)
    tuples = [option for option in options if get_origin(option) is tuple]
    if tuples and (isinstance(value, list) or len(options) == 1):
        entries = value if isinstance(value, list) else [value]
        return tuple(_convert(get_args(tuples[0])[0], entry, path) for entry in entries)
    return _plain(options, value, path)


def _fitting(allowed: tuple[type[Part], ...], value: Any, path: str) -> Part:
    kind = kind_of(allowed[0])
    part = read_part(kind, value, path) if kind else _build(allowed[0], value, path)
    if not isinstance(part, allowed):
        others = ", ".join(name for name, cls in table(kind).items() if issubclass(cls, allowed)) if kind else ""
        raise PlanError(f"{path} = {name_of(part)!r} cannot stand here. Choose one of {others}.")
    return part


def _plain(options: list[Any], value: Any, path: str) -> Any:
    if float in options and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > sys.float_info.max:
            raise PlanError(f"{path} is a number of {len(str(abs(value)))} digits. Choose one below 1.8e308.")
        return float(value)
    plain = tuple(option for option in options if option in (bool, int, float, str))
    if plain and (not isinstance(value, plain) or (isinstance(value, bool) and bool not in plain)):
        allowed = " or ".join(option.__name__ for option in plain)
        raise RangeError(f"{path} = {value!r} is of the wrong kind: {allowed} is needed.")
    return value


def read_part(kind: str, value: Any, path: str) -> Part:
    """Make the part that a name, or a table with a name, means.

    Args:
        kind: Its kind, as in the catalog.
        value: A name, or a table.
        path: The setting that holds it, for messages.

    Raises:
        PlanError: There is no such part, or it has no such setting.
    """
    tree = parse_word(kind, value) if isinstance(value, str) else value
    _check_name(path, tree)
    if "name" not in tree:
        raise PlanError(f"{path} = {value!r} must be a name, or a table with a name.")
    cls = find(kind, tree["name"])
    return _build(cls, {key: entry for key, entry in tree.items() if key != "name"}, path)


def _options(hint: Any) -> list[Any]:
    """The types that a hint admits, without their ranges and without None."""
    if get_origin(hint) is Annotated:
        return _options(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [option for entry in get_args(hint) if entry is not NoneType for option in _options(entry)]
    return [hint]
