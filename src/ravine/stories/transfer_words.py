"""A decision about transfer in words: what was trained and why, and what the textbook's table would have said."""

from ravine.report.wording import between, points
from ravine.transfer.decision import MARGIN, Contestant, Decision

NAMES = {
    "head": "head on the last features",
    "depth": "head on the best depths",
    "last1": "last stage",
    "last2": "last two stages",
    "all": "whole body",
    "scratch": "from scratch",
}
"""What contestants are called in a table."""

TRAINED = {
    "head": "only a head on the last features",
    "depth": "only a head, on the depths whose features suit it best",
    "last1": "the last stage of the body and a head",
    "last2": "the last two stages of the body and a head",
    "all": "the whole body and a head",
    "scratch": "a whole network from random weights",
}
"""What is trained, as the object of a sentence."""

OUTCOMES = {
    "chosen": "chosen",
    "no clear gain": "no clear gain",
    "worse": "clearly worse",
    "dropped": "dropped: it could not win any more",
    "skipped": "not raced, for want of time",
    "refused": "not raced: a setting does not allow it",
    "failed": "failed",
}

_FATES = {
    "no clear gain": "which was not clearly better in the race",
    "worse": "which was clearly worse in the race",
    "dropped": "which fell behind in the race",
    "skipped": "which was not raced, for want of time",
    "refused": "which a setting does not allow",
    "failed": "whose training failed",
}


def name_of(contestant: str) -> str:
    """What a contestant is called in a table; an unknown one by its own name."""
    return NAMES.get(contestant, contestant)


def trained_by(contestant: str) -> str:
    """What a contestant trains, as the object of a sentence."""
    return TRAINED.get(contestant, contestant)


def reference(decision: Decision) -> Contestant | None:
    """The contestant that the gains of the others are against; None where nothing was raced."""
    return next((one for one in decision.contestants if one.pictures and one.gain is None), None)


def verdict(decision: Decision) -> str:
    """What was trained, and why, in a sentence."""
    chosen, yardstick = decision.chosen, reference(decision)
    said = f"Ravine trained {trained_by(chosen.name)}"
    if chosen.gain is not None and yardstick is not None:
        return f"{said}: {_gained(chosen, yardstick, decision.confidence)}."
    if not any(one.pictures for one in decision.contestants if one is not chosen):
        return f"{said}: nothing else was raced."
    return f"{said}: nothing else that was raced gained clearly more than {100 * MARGIN:.1f} points."


def remarks(decision: Decision) -> tuple[str, ...]:
    """What else to know at once: the best of the others, those that were not raced, and what the textbook says."""
    return tuple(filter(None, (_closest(decision), _unraced(decision), _textbook(decision), _by_number(decision))))


def _gained(chosen: Contestant, yardstick: Contestant, confidence: float) -> str:
    gain, judge = points(chosen.gain or 0.0).lstrip("+"), trained_by(yardstick.name).removeprefix("only ")
    ends = "" if chosen.low is None or chosen.high is None else _ends(chosen.low, chosen.high, confidence)
    return f"it is right on {gain} points more of the pictures than {judge}{ends}"


def _ends(low: float, high: float, confidence: float) -> str:
    return f" ({100 * confidence:g} % interval {between((low, high))})"


def _closest(decision: Decision) -> str:
    """Who came closest to what was kept, where nothing gained clearly."""
    others = [one for one in decision.contestants if one.outcome != "chosen" and one.gain is not None]
    if decision.chosen.gain is not None or not others:
        return ""
    best = max(others, key=lambda one: one.gain or 0.0)
    ends = "" if best.low is None or best.high is None else _ends(best.low, best.high, decision.confidence)
    return f"The best of the others was “{name_of(best.name)}”, with a gain of {points(best.gain or 0.0)} points{ends}."


def _unraced(decision: Decision) -> str:
    skipped = _listed([one for one in decision.contestants if one.outcome == "skipped"])
    failed = _listed([one for one in decision.contestants if one.outcome == "failed"])
    left_out = f"Not raced, for want of time: {skipped}. " if skipped else ""
    return (left_out + (f"Failed: {failed}." if failed else "")).strip()


def _listed(contestants: list[Contestant]) -> str:
    return ", ".join(f"“{name_of(one.name)}”" for one in contestants)


def _textbook(decision: Decision) -> str:
    if decision.textbook is None:
        return ""
    said = _said(decision, decision.textbook)
    return f"The textbook’s table alone, read with these measurements, would have said {said}."


def _by_number(decision: Decision) -> str:
    if decision.by_number_alone is None:
        return ""
    count = f" ({decision.measurement.pictures:,})" if decision.measurement else ""
    said = _said(decision, decision.by_number_alone)
    return f"The number of pictures alone{count}, taken as similar, would have said {said}."


def _said(decision: Decision, name: str) -> str:
    if name == decision.chosen.name:
        return "the same"
    fates = [_FATES[one.outcome] for one in decision.contestants if one.name == name]
    return ", ".join([f"to train {trained_by(name)}", *fates])
