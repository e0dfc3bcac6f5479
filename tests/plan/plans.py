"""Strategies that draw any plan that can be said."""

import dataclasses
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from ravine.base.errors import PlanError
from ravine.base.ranges import Hyper, Range
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices
from ravine.interfaces import Part, Rule
from ravine.models.backbone import PACKAGED, Backbone
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.catalog import PARTS
from ravine.plan.plan import HeadChoices, Plan, TuningChoices

RULES = [cls for cls in PARTS["optimizer"] if issubclass(cls, Rule)]
MINIMIZERS = [cls for cls in PARTS["optimizer"] if issubclass(cls, Minimizer)]
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def _numbers(allowed: Range, whole: bool) -> st.SearchStrategy[Any]:
    low, high = max(allowed.low, -1e6), min(allowed.high, 1e6)
    if whole:
        return st.integers(int(low), int(high))
    return st.floats(low, high, exclude_min=allowed.low_open, exclude_max=allowed.high_open)


def _value(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is Annotated:
        inner, allowed = get_args(hint)[:2]
        numbers = _numbers(allowed, whole=inner is int)
        return st.one_of(numbers, st.lists(numbers, min_size=1, max_size=3).map(tuple)) if inner == Hyper else numbers
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*map(_value, get_args(hint)))
    if isinstance(hint, type) and issubclass(hint, Part):
        return part(hint)
    return {bool: st.booleans(), int: st.integers(1, 100), float: st.floats(0, 1), type(None): st.none()}[hint]


def _kinds(base: type[Part]) -> list[type[Part]]:
    """The parts without parts of their own that may stand where a base class is wanted."""
    if dataclasses.fields(base) and not getattr(base, "__abstractmethods__", None):
        return [base]
    found = [cls for kind in PARTS.values() for cls in kind if issubclass(cls, base)]
    return [cls for cls in found if not any(_holds_part(hint) for hint in get_type_hints(cls).values())]


def _holds_part(hint: Any) -> bool:
    return any(isinstance(one, type) and issubclass(one, Part) for one in (hint, *get_args(hint)))


@st.composite
def part(draw: st.DrawFn, base: type[Part]) -> Part:
    """Any part of a kind, with any values in their ranges; some fields keep their defaults."""
    if base is Backbone:
        return draw(st.one_of(st.just(Backbone()), st.builds(Backbone, timm=WORDS, weights=WORDS.filter(_file))))
    cls = base if base in [one for kind in PARTS.values() for one in kind] else draw(st.sampled_from(_kinds(base)))
    hints = get_type_hints(cls, include_extras=True)
    chosen = [field.name for field in dataclasses.fields(cls) if draw(st.booleans())]
    values = {name: draw(_value(hints[name])) for name in chosen}
    try:
        return cls(**values)
    except PlanError:  # two values that contradict each other
        return cls()


def _file(word: str) -> bool:
    return word != PACKAGED and word != "packaged"


@st.composite
def pictures(draw: st.DrawFn) -> Preprocess:
    channels = draw(st.sampled_from([1, 3]))
    many = st.sampled_from(sorted({1, channels}))
    mean = draw(many.flatmap(lambda n: st.tuples(*[st.floats(0, 1)] * n)))
    std = draw(many.flatmap(lambda n: st.tuples(*[st.floats(1e-3, 1)] * n)))
    fit = draw(st.sampled_from(["squash", "crop", "letterbox"]))
    return Preprocess(
        draw(st.integers(1, 512)), channels, fit, draw(st.sampled_from(["bilinear", "bicubic"])), mean, std
    )


shares = st.builds(SplitChoices, test=st.floats(0, 0.5), validation=st.floats(0, 0.49), nested=st.booleans())
heads = st.builds(
    HeadChoices, l2=st.lists(st.floats(1e-9, 10), min_size=1, max_size=4).map(tuple), folds=st.integers(2, 10)
)
shared = {
    "picture": pictures(),
    "split": shares,
    "select": st.sampled_from(["nll", "accuracy", "macro_f1"]),
    "refit": st.booleans(),
    "seed": st.integers(0, 2**62),
    "device": st.sampled_from(["cpu", "cuda"]),
    "threads": st.integers(1, 64),
}
networks = st.one_of(
    st.sampled_from([cls for cls in PARTS["model"] if cls is not Backbone]).flatmap(part),
    st.builds(Backbone, timm=WORDS, weights=st.just("random")),
)
scratch = st.builds(
    Plan,
    model=networks,
    transfer=st.just("scratch"),
    optimizer=st.sampled_from(RULES).flatmap(part),
    schedule=st.sampled_from(PARTS["schedule"]).flatmap(part),
    penalty=st.lists(st.sampled_from(PARTS["penalty"]).flatmap(part), max_size=3).map(tuple),
    epochs=st.integers(1, 500),
    batch_size=st.integers(1, 4096),
    members=st.integers(1, 20),
    compiled=st.one_of(st.none(), st.booleans()),
    **shared,
)
full_batch = st.builds(
    Plan,
    model=networks,
    transfer=st.just("scratch"),
    optimizer=st.sampled_from(MINIMIZERS).flatmap(part),
    penalty=st.lists(st.sampled_from(PARTS["penalty"]).flatmap(part), max_size=2).map(tuple),
    epochs=st.integers(1, 500),
    **shared,
)
head = st.builds(
    Plan,
    model=part(Backbone),
    transfer=st.just("head"),
    optimizer=st.sampled_from(MINIMIZERS).flatmap(part),
    head=heads,
    **shared,
)
unfrozen = st.builds(
    Plan,
    model=part(Backbone),
    transfer=st.sampled_from(["last1", "last2", "all"]),
    optimizer=st.sampled_from([rule for rule in RULES if not rule().averages]).flatmap(part),
    schedule=st.sampled_from(PARTS["schedule"]).flatmap(part),
    penalty=st.lists(st.sampled_from(PARTS["penalty"]).flatmap(part), max_size=3).map(tuple),
    epochs=st.integers(1, 500),
    batch_size=st.integers(1, 4096),
    head=heads,
    tuning=st.builds(TuningChoices, decay=st.floats(0, 1, exclude_min=True)),
    members=st.integers(1, 20),
    **shared,
)
