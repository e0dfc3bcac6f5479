"""The sections of the page, in order. One more is one dataclass, one template of its name, one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ravine.report.charts import calibration_figures, training_figures
from ravine.report.content import Content
from ravine.report.figure import Figure
from ravine.report.transfer_charts import transfer_figures


def _no_figures(section: Any) -> dict[str, Figure]:
    del section
    return {}


@dataclass(frozen=True)
class Section:
    """One section: the field of `Content` that holds it, which also names its template, and its figures."""

    field: str
    title: str
    figures: Callable[[Any], dict[str, Figure]] = _no_figures


SECTIONS = (
    Section("headline", "Summary"),
    Section("data", "What was found in the data"),
    Section("plan", "The plan, and why"),
    Section("transfer", "How much of the body to train", transfer_figures),
    Section("training", "How it was trained", training_figures),
    Section("calibration", "Calibration", calibration_figures),
    Section("committee", "Where the networks disagree"),
    Section("confusion", "Confusion: what is taken for what"),
    Section("per_class", "Class by class"),
    Section("mistakes", "The worst mistakes"),
    Section("time", "Where the time went"),
    Section("agreement", "What training read, against the files"),
    Section("reproduction", "How to reproduce and use it"),
)


@dataclass(frozen=True)
class Filled:
    """A section with what it shows and its figures."""

    section: Section
    content: Any
    figures: dict[str, Figure]


def filled(content: Content) -> tuple[Filled, ...]:
    """The sections that a page has something for, in order."""
    present = [(section, getattr(content, section.field)) for section in SECTIONS]
    return tuple(Filled(section, value, section.figures(value)) for section, value in present if value is not None)
