"""From a decision about transfer to its section of the page."""

import math

from ravine.report import transfer as page
from ravine.stories.transfer_words import OUTCOMES, RULE, name_of, reference, remarks, verdict
from ravine.transfer.decision import MARGIN, Contestant, Decision
from ravine.transfer.measure import ADVICE, Measurement


def transfer(decision: Decision) -> page.Transfer:
    """What the page shows of a decision."""
    yardstick = reference(decision)
    return page.Transfer(
        verdict=verdict(decision),
        remarks=remarks(decision),
        contestants=tuple(_contestant(one, reference=one is yardstick) for one in decision.contestants),
        margin=MARGIN,
        confidence=decision.confidence,
        seconds=decision.seconds,
        rule=RULE,
        measured=decision.measurement and _measured(decision.measurement),
    )


def _contestant(one: Contestant, *, reference: bool) -> page.Contestant:
    return page.Contestant(
        name=name_of(one.name),
        setting=one.name,
        outcome=OUTCOMES[one.outcome],
        note=one.note,
        chosen=one.outcome == "chosen",
        reference=reference,
        pictures=one.pictures,
        accuracy=one.accuracy,
        nll=one.nll,
        gain=_number(one.gain),
        low=_number(one.low),
        high=_number(one.high),
        seconds=one.seconds,
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _measured(found: Measurement) -> page.Measured:
    asked = found.gradients
    gradients = dict(zip(asked.stages, asked.relative, strict=True)) if asked else {}
    small, large = ((_cell(found, size, "similar"), _cell(found, size, "different")) for size in ("small", "large"))
    return page.Measured(
        small=small,
        large=large,
        sentences=found.sentences,
        depths=tuple(
            page.Depth(one.tap, one.width, one.neighbours, one.ridge, gradients.get(one.tap, math.nan))
            for one in found.similarity.probes
        ),
        peak=found.similarity.peak,
        chance=found.similarity.chance,
        sizes=tuple(zip(found.size.pictures, found.size.accuracy, strict=True)),
        seconds=tuple(found.seconds.items()),
    )


def _cell(found: Measurement, size: str, likeness: str) -> page.Cell:
    by_number = (size, likeness) == (found.by_number_alone, "similar")
    return page.Cell(ADVICE[size, likeness], (size, likeness) == found.cell, by_number)
