"""A decision about transfer in words: what was trained and why, and what the textbook's table would have said."""

from ravine.report.wording import between, decimal, level, points
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
    "less likely": "gained too, higher NLL",
    "worse": "beaten",
    "dropped": "dropped",
    "skipped": "not raced: no time",
    "refused": "not raced: ruled out",
    "failed": "failed",
}
"""What became of a contestant; its note says why."""

RULE = (
    f"What trains least is taken unless another beats it: by a gain that is clearly more than {100 * MARGIN:.1f} "
    "points, or by a gain of more than that and a lower negative log-likelihood (NLL), of which after the last round "
    "75 % confidence is enough. Of several that beat it, the one with the lowest NLL is taken. A way that is clearly "
    "less accurate than one that trains less is beaten too."
)
"""By what the race is decided."""

_FATES = {
    "no clear gain": "which was not clearly better in the race",
    "less likely": "which gained too, but was less sure of the right answers",
    "worse": "which was beaten in the race",
    "dropped": "which was dropped during the race",
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
    if not chosen.pictures:
        return f"{said}, without a race, for which there was no time."
    if not any(one.pictures for one in decision.contestants if one is not chosen):
        return f"{said}: nothing else was raced."
    return f"{said}: nothing else that was raced gained clearly more than {100 * MARGIN:.1f} points."


def remarks(decision: Decision) -> tuple[str, ...]:
    """What else to know at once: the best of the others, those that were not raced, and what the textbook says."""
    return tuple(filter(None, (_closest(decision), _unraced(decision), _textbook(decision), _by_number(decision))))


def _gained(chosen: Contestant, yardstick: Contestant, confidence: float) -> str:
    gain, judge = points(chosen.gain or 0.0).lstrip("+"), trained_by(yardstick.name).removeprefix("only ")
    said = f"it is right on {gain} points more of the pictures than {judge}"
    return said + _ends(chosen, confidence) + _surer(chosen, yardstick)


def _ends(one: Contestant, confidence: float) -> str:
    if one.low is None or one.high is None:
        return ""
    return f" ({level(confidence)} interval {between((one.low, one.high))})"


def _surer(chosen: Contestant, yardstick: Contestant) -> str:
    """The second reason, where the gain alone is not clear."""
    if (chosen.low or 0.0) > MARGIN or not chosen.nll < yardstick.nll:
        return ""
    likelihoods = f"{decimal(chosen.nll)} instead of {decimal(yardstick.nll)}"
    return f", and surer of the right answers (negative log-likelihood {likelihoods})"


def _closest(decision: Decision) -> str:
    """Who came closest to what was kept, where nothing gained clearly."""
    others = [one for one in decision.contestants if one.outcome != "chosen" and one.gain is not None]
    if decision.chosen.gain is not None or not others:
        return ""
    best = max(others, key=lambda one: one.gain or 0.0)
    gain = f"{points(best.gain or 0.0)} points{_ends(best, decision.confidence)}"
    return f"The best of the others was “{name_of(best.name)}”, with a gain of {gain}."


def _unraced(decision: Decision) -> str:
    """Who was not raced, or failed."""
    why = {"skipped": "Not raced, for want of time", "refused": "Ruled out by a setting", "failed": "Failed"}
    lists = {outcome: [one for one in decision.contestants if one.outcome == outcome] for outcome in why}
    return " ".join(f"{why[outcome]}: {_listed(found)}." for outcome, found in lists.items() if found)


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
