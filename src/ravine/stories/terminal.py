"""What a person sees in a terminal: bars where there is one, plain lines where there is none."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from ravine.bundle import Prediction
from ravine.data.audit import Audit
from ravine.experiment.stages import Advance, Progress
from ravine.stats.scores import Scores
from ravine.stories import folder
from ravine.stories.result import Result
from ravine.stories.transfer_words import OUTCOMES

SHOWN = 20
"""Rows of a list that are printed; the rest is counted."""


class BarProgress(Progress):
    """A bar a stage, with the time that is left."""

    @contextmanager
    def show(self, name: str, total: int) -> Iterator[Advance]:
        """See `Progress.show`."""
        columns = (
            TextColumn("{task.description:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=Console(stderr=True)) as bars:
            task = bars.add_task(name, total=total)
            yield lambda done: bars.advance(task, done)

    def say(self, text: str) -> None:
        """See `Progress.say`."""
        Console(stderr=True).print(text, markup=False)


class LineProgress(Progress):
    """One line when a stage is done."""

    @contextmanager
    def show(self, name: str, total: int) -> Iterator[Advance]:
        """See `Progress.show`."""
        began = time.perf_counter()
        yield lambda _: None
        print(f"{name}: {total:,} in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """See `Progress.say`."""
        print(text, file=sys.stderr, flush=True)


def progress() -> Progress:
    """Bars on a terminal, lines elsewhere; both go to standard error."""
    return BarProgress() if sys.stderr.isatty() else LineProgress()


def show_result(result: Result) -> None:
    """Print what a run came to, and where it lies."""
    if result.summary.get("transfer"):
        show_race(result.summary["transfer"])
    test = result.test
    low, high = test["accuracy_interval"]
    print(f"test accuracy {test['accuracy']:.3f}, 95 % interval {low:.3f} to {high:.3f}, on {test['n']:,} pictures")
    print(f"macro-F1 {test['macro_f1']:.3f}, NLL {test['nll']:.3f}, calibration error {test['ece']:.3f}")
    aside = len(result.summary["data"]["set_aside"])
    if aside:
        print(f"{aside} files were set aside; the report names them")
    print(f"report  {result.report}")
    print(f"model   {result.path / folder.MODEL}  (ravine predict {result.path / folder.MODEL} PICTURE)")


def show_race(decided: Mapping[str, Any]) -> None:
    """Print a row a way to transfer, and what was decided.

    Args:
        decided: What `result.json` says of it.
    """
    table = Table("transfer", "accuracy", "gain, points", "outcome", box=None, pad_edge=False)
    for one in decided["contestants"]:
        accuracy = "" if one["accuracy"] is None else f"{one['accuracy']:.3f}"
        words = filter(None, (OUTCOMES[one["outcome"]], one["note"]))
        table.add_row(one["name"], accuracy, _gain(one), ". ".join(words))
    _console().print(table)
    compared = any(one["gain"] is not None for one in decided["contestants"])
    intervals = f"Intervals hold with {100 * decided['confidence']:.0f} %; " if compared else ""
    print(f"{decided['verdict']} {intervals}{decided['seconds']:.1f} s.")


def _gain(contestant: Mapping[str, Any]) -> str:
    if contestant["gain"] is None:
        return ""
    gain, low, high = (f"{100 * contestant[end]:+.1f}" for end in ("gain", "low", "high"))
    return f"{gain} ({low} to {high})"


def show_predictions(predictions: Sequence[Prediction]) -> None:
    """Print a row a picture: the label, its probability, and the runner-up."""
    uncertain = any(one.disagreement is not None for one in predictions)
    more = ("disagreement",) if uncertain else ()
    table = Table("picture", "label", "probability", "next", *more, box=None, pad_edge=False)
    for one in predictions:
        second = sorted(one.probabilities.items(), key=lambda entry: -entry[1])[1]
        differ = () if one.disagreement is None else (f"{one.disagreement:.3f}",)
        table.add_row(one.name, one.label, f"{one.confidence:.3f}", f"{second[0]} {second[1]:.3f}", *differ)
    _console().print(table)


def show_scores(scores: Scores) -> None:
    """Print the measures, and a row a class."""
    low, high = scores.accuracy_interval
    print(f"accuracy {scores.accuracy:.4f}, 95 % interval {low:.4f} to {high:.4f}, on {scores.n:,} pictures")
    print(f"macro-F1 {scores.macro_f1:.4f}, NLL {scores.nll:.4f}, Brier {scores.brier:.4f}, ECE {scores.ece:.4f}")
    table = Table("class", "n", "precision", "recall", "F1", box=None, pad_edge=False)
    for row in scores.classes:
        table.add_row(row.name, str(row.n), f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}")
    _console().print(table)


def show_audit(audit: Audit) -> None:
    """Print what can be used, what cannot, and what is doubtful."""
    print(f"{len(audit):,} pictures can be used, in {len(audit.classes)} classes")
    table = Table("class", "pictures", box=None, pad_edge=False)
    for name, count in zip(audit.classes, audit.class_counts.tolist(), strict=True):
        table.add_row(name, f"{count:,}")
    _console().print(table)
    for text, count in audit.notes.items():
        print(f"{text}: {count:,}")
    _show_list("set aside", [f"{aside.name}: {aside.reason}" for aside in audit.set_aside])
    for title, sets in (
        ("the same picture more than once", audit.duplicates),
        ("nearly the same picture", audit.near_duplicates),
        ("the same picture under two labels", audit.conflicts),
    ):
        _show_list(title, [" = ".join(audit.names[index] for index in members) for members in sets])


def _show_list(title: str, rows: list[str]) -> None:
    if rows:
        print(f"{title}: {len(rows):,}")
        for row in rows[:SHOWN]:
            print(f"  {row}")
        if len(rows) > SHOWN:
            print(f"  … and {len(rows) - SHOWN:,} more (--json lists all)")


def _console() -> Console:
    """A console that shows names as they are, whatever brackets and colons they hold."""
    width = None if sys.stdout.isatty() else 200
    return Console(width=width, soft_wrap=width is None, markup=False, emoji=False, highlight=False)
