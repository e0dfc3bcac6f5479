"""What a terminal shows."""

import sys
from dataclasses import dataclass

import numpy as np
import pytest

from ravine.bundle import Prediction
from ravine.stats.scores import score
from ravine.stories.terminal import BarProgress, LineProgress, progress, show_predictions, show_race, show_scores


@dataclass
class Stream:
    """Standard error that says whether it is a terminal."""

    terminal: bool

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(("terminal", "kind"), [(True, BarProgress), (False, LineProgress)])
def test_bars_on_a_terminal_and_lines_elsewhere(terminal: bool, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Stream(terminal))
    assert type(progress()) is kind


def test_lines_name_the_stage_and_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    shown = LineProgress()
    with shown.show("train", 1_200) as advance:
        advance(3)
    shown.say("done")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0].startswith("train: ")
    assert err.splitlines()[-1] == "done"


def test_bars_end_even_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown = BarProgress()
    with shown.show("train", 2) as advance:
        advance(2)
    shown.say("[red]done[/red]")
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err
    assert "[red]done[/red]" in err


def test_names_are_shown_as_they_are_whatever_brackets_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    name = "photos/[bold]a[/bold] [1].png"
    probabilities = {"[red]cat[/red]": 0.75, "dog [x]": 0.25}
    show_predictions([Prediction(name, "[red]cat[/red]", 0.75, probabilities)])
    line = capsys.readouterr().out.splitlines()[1]
    for text in (name, "[red]cat[/red]", "0.750", "dog [x] 0.250"):
        assert text in line


def test_class_names_with_brackets_in_scores(capsys: pytest.CaptureFixture[str]) -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    show_scores(score(p, np.array([0, 1]), ("[b]x[/b]", "[/oops]")))
    out = capsys.readouterr().out
    assert "[b]x[/b]" in out
    assert "[/oops]" in out
    assert "accuracy 1.0000" in out


def test_a_race_is_shown_a_row_a_way_with_what_was_decided(capsys: pytest.CaptureFixture[str]) -> None:
    raced = {"accuracy": 0.81, "gain": None, "low": None, "high": None}
    show_race(
        {
            "contestants": [
                {"name": "head", "outcome": "worse", "note": "last1 is better.", **raced},
                {"name": "last1", "outcome": "chosen", "note": ""} | {**raced, "gain": 0.1, "low": 0.05, "high": 0.123},
                {"name": "all", "outcome": "skipped", "note": "It would take long.", **dict.fromkeys(raced)},
            ],
            "verdict": "Ravine trained the last stage.",
            "confidence": 0.8,
            "seconds": 12.34,
        }
    )
    _, head, last1, everything, verdict = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["head", "0.810"]
    assert head.rstrip().endswith("last1 is better.")
    assert "+10.0 (+5.0 to +12.3)" in last1
    assert last1.rstrip().endswith("chosen")
    assert everything.split()[:2] == ["all", "not"]
    assert verdict == "Ravine trained the last stage. Intervals hold with 80 %; 12.3 s."
