import math
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from parsed_page import Page, light

from ravine.base.errors import OutputError
from ravine.report.content import (
    Agreement,
    Calibration,
    Confusion,
    Content,
    Mistakes,
    PerClass,
    PlanChosen,
    Reproduction,
    Stage,
    TimeSpent,
    Training,
)
from ravine.report.found import Data
from ravine.report.page import write_report
from ravine.stats.scores import reliability


def test_sections_that_are_none_are_left_out():
    page = Page(light(Content("Nothing yet")))
    assert "section" not in page.tags and "nav" not in page.tags
    assert "There is nothing to show yet." in page.text("")


def test_empty_sections_show_no_nonsense():
    none = reliability(np.zeros((0, 2)), np.zeros(0, np.int64))
    empty = Content(
        "Empty",
        data=Data("photos/", "class folders", ()),
        plan=PlanChosen(()),
        training=Training("NLL"),
        calibration=Calibration(none, none, 1.0, "nothing"),
        confusion=Confusion((), np.zeros((0, 0), np.int64)),
        per_class=PerClass(()),
        mistakes=Mistakes(0, 0, ()),
        time=TimeSpent(()),
        agreement=Agreement("packed copies", 0.0, 0, 0),
        reproduction=Reproduction("ravine fit photos/", 0, ""),
    )
    page = light(empty)
    assert not any(re.search(r"\b(nan|inf|None)\b", text) for text in Page(page).texts.values())
    assert "<table" not in page and "<figure" not in page


def test_numbers_that_are_not_finite_show_a_dash(full):
    nan = math.nan
    scores = replace(full.headline.scores, macro_f1=nan, nll=math.inf, brier=nan, ece=nan)
    content = replace(
        full,
        headline=replace(full.headline, scores=scores, baseline=nan, seconds=nan),
        time=TimeSpent((Stage("train", nan), Stage("scan", 2.0))),
        agreement=Agreement("packed copies", nan, 3, 0),
    )
    page = Page(light(content))
    for place in ("headline", "time", "agreement"):
        assert "–" in page.text(place) and not re.search(r"\b(nan|inf)\b", page.text(place))
    assert "nan" not in page.styles and "inf;" not in page.styles


def test_without_a_test_the_headline_claims_nothing(full):
    scores = replace(full.headline.scores, n=0, accuracy=math.nan, accuracy_interval=(0.0, 1.0))
    text = Page(light(replace(full, headline=replace(full.headline, scores=scores)))).text("headline")
    assert "nobody knows" in text and "n = 0" not in text


def test_the_file_is_written_with_its_folder(full, tmp_path):
    path = write_report(Content("Ä title"), tmp_path / "run" / "report.html")
    assert "Ä title" in path.read_text(encoding="utf-8")


def test_names_that_are_no_unicode_can_be_written(tmp_path):
    data = Data("photos/\udce9t\udce9", "class folders", ())
    assert b"photos/\\udce9t" in write_report(Content("x", data=data), tmp_path / "r.html").read_bytes()


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="Choose another folder"):
        write_report(Content("x"), tmp_path / "file" / "report.html")


def test_plotly_is_not_imported_with_the_room():
    program = "import sys, ravine.report.page; sys.exit('plotly' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
