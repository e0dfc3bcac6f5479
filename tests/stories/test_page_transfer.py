import math
import re

import pytest
from decisions import TAPS, bare, clear_winner, head_stays

from ravine.report.content import Content
from ravine.report.page import render
from ravine.stories.page_transfer import transfer
from ravine.transfer.decision import MARGIN
from ravine.transfer.measure import ADVICE


@pytest.mark.parametrize(
    ("decision", "measured", "by_number"),
    [(clear_winner(), ("large", "different"), ("small", "similar")), (head_stays(), *[("small", "similar")] * 2)],
)
def test_the_cells_of_the_table(decision, measured, by_number):
    found = transfer(decision).measured
    cells = dict(zip(ADVICE, (*found.small, *found.large), strict=True))
    assert [cell.advice for cell in cells.values()] == list(ADVICE.values())
    assert [key for key, cell in cells.items() if cell.measured] == [measured]
    assert [key for key, cell in cells.items() if cell.by_number] == [by_number]
    assert found.sentences == decision.measurement.sentences


def test_the_measurements():
    decision = clear_winner()
    found = transfer(decision).measured
    assert tuple(one.name for one in found.depths) == TAPS
    assert found.depths[3].gradient == 0.0118 and found.depths[3].width == 112
    assert found.peak == 3 and found.chance == 0.14
    assert found.sizes == ((230, 0.702), (460, 0.731), (920, 0.738), (1840, 0.741))
    assert dict(found.seconds) == decision.measurement.seconds
    assert all(math.isnan(one.gradient) for one in transfer(head_stays()).measured.depths)


def test_the_race():
    decision = clear_winner()
    found = transfer(decision)
    assert [one.chosen for one in found.contestants] == [False, False, True, False, False, False]
    assert [one.reference for one in found.contestants] == [True, False, False, False, False, False]
    chosen = found.contestants[2]
    assert (chosen.name, chosen.outcome, chosen.pictures) == ("last stage", "chosen", 1104)
    assert chosen.setting == "last1"
    assert (chosen.gain, chosen.low, chosen.high, chosen.seconds) == (0.041, 0.012, 0.07, 131.2)
    assert math.isnan(found.contestants[0].gain)
    assert (found.margin, found.confidence, found.seconds) == (MARGIN, 0.8, 738.4)


def test_a_body_that_cannot_be_tapped_has_no_table():
    found = transfer(bare())
    assert found.measured is None
    assert [one.pictures for one in found.contestants] == [96, 0, 0, 0, 0]


@pytest.mark.parametrize("decision", [clear_winner(), head_stays(), bare()])
def test_every_decision_makes_a_page(decision):
    page = render(Content("x", transfer=transfer(decision)))
    body = page.split('<section id="transfer">')[1].split("</section>")[0]
    text = re.sub(r"\s+", " ", re.sub(r"<script.*?</script>|<[^>]*>", " ", body, flags=re.S))
    assert not re.search(r"\b(nan|inf|None)\b", text)
    assert all(one.note in text for one in decision.contestants)
    assert len(re.findall('scope="row">', body.split('class="race"')[1])) == len(decision.contestants)
