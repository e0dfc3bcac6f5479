"""Many candidates on a page: the best are seen, the others folded."""

import dataclasses
import math
import re

import pytest

from ravine.report.candidates import FEW, Candidate, ranked
from ravine.report.page import write_report

MANY = tuple(
    Candidate(f"member {k + 1}", math.nan if k == 7 else 1 - k / 100, k == 3, f"note {k}", ended=k > 39)
    for k in range(64)
)


def test_few_stay_in_their_order():
    assert ranked(MANY[:FEW], "lower") == MANY[:FEW]


@pytest.mark.parametrize(("better", "best"), [("lower", "member 40"), ("higher", "member 1")])
def test_of_many_the_chosen_is_first_and_the_ended_are_last(better, best):
    order = ranked(MANY, better)
    assert sorted(one.name for one in order) == sorted(one.name for one in MANY)
    assert [one.name for one in order[:2]] == ["member 4", best]
    assert order[39].name == "member 8", "what is no number comes behind all numbers"
    assert all(one.ended for one in order[40:])


def test_the_page_folds_all_but_the_first(full, tmp_path):
    training = dataclasses.replace(full.training, candidates=MANY)
    page = tmp_path / "report.html"
    write_report(dataclasses.replace(full, training=training), page)
    text = page.read_text(encoding="utf-8")
    shown, folded = text.split(f"{64 - FEW} further candidates")
    assert len(re.findall(r'scope="row">member', shown)) == FEW
    assert len(re.findall(r'scope="row">member', folded)) == 64 - FEW
