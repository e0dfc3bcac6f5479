"""The section "How much of the body to train"."""

import math
import re
from dataclasses import replace

import pytest
from parsed_page import Page, light
from transfer_example import contestants_example, measured_example, transfer_example

from ravine.report.content import Content
from ravine.report.transfer import Cell, Contestant, Transfer


def shown(transfer: Transfer) -> str:
    return Page(light(Content("x", transfer=transfer))).text("transfer")


def table(page: str, kind: str) -> list[str]:
    """The rows of a table's body."""
    body = page.split(f'class="{kind}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    return body.split("<tr")[1:]


def test_without_a_decision_there_is_no_section():
    page = Page(light(Content("x")))
    assert "transfer" not in page.texts


def test_the_verdict_comes_first():
    transfer = transfer_example()
    text = shown(transfer)
    assert text.index(transfer.verdict) < text.index(transfer.remarks[0]) < text.index("The textbook’s table, with")
    assert all(sentence in text for sentence in transfer.measured.sentences)


def test_only_the_measured_cell_is_marked_and_in_words():
    small, large = table(light(Content("x", transfer=transfer_example())), "cells")
    assert "aria-current" not in small and "✓" not in small
    before, marked = large.split('aria-current="true">')
    assert "this data, measured" not in before and "✓ this data, measured" in marked
    assert marked.startswith("train the head and all stages")
    assert "by the number of pictures alone" in small and "by the number of pictures alone" not in large


def test_a_cell_can_be_both_measured_and_that_of_the_number():
    both = replace(measured_example(), small=(Cell("a", measured=True, by_number=True), Cell("b")))
    small, _ = table(light(Content("x", transfer=replace(transfer_example(), measured=both))), "cells")
    assert "✓ this data, measured" in small and "by the number of pictures alone" in small


def test_the_race_keeps_its_order_and_says_its_numbers():
    page = light(Content("x", transfer=transfer_example()))
    rows = table(page, "race")
    names = [re.search(r'scope="row">([^<]*)', row)[1].strip() for row in rows]
    assert names == [one.name for one in contestants_example()]
    chosen = Page(f'<section id="row"><table><tr{rows[2]}</table></section>').text("row")
    for number in (
        "last stage last1",
        "78.2 %",
        "0.701",
        "+4.1 (+1.2 to +7.0)",
        "1,840 pictures",
        "2 min 11 s",
        "✓ chosen",
    ):
        assert number in chosen
    assert [row.startswith(' class="chosen"') for row in rows] == [False, False, True, False, False]


def test_what_was_not_raced_is_named_with_its_reason_and_has_no_numbers():
    rows = table(light(Content("x", transfer=transfer_example())), "race")
    for row, one in zip(rows[3:], contestants_example()[3:], strict=True):
        assert one.note in row and one.outcome in row
        assert "number" not in row and "track" not in row


def test_the_yardstick_has_no_gain():
    first = table(light(Content("x", transfer=transfer_example())), "race")[0]
    assert "yardstick" in first and "track" not in first


def test_gains_stand_in_their_order_on_the_axis():
    transfer = transfer_example()
    chosen = transfer.contestants[2]
    places = [transfer.place(gain) for gain in (-transfer.margin, 0, transfer.margin, chosen.low, chosen.gain)]
    assert places == sorted(places) and places[0] >= 0 and transfer.place(chosen.high) <= 1
    assert transfer.gains == (-0.01, 0.07)
    row = table(light(Content("x", transfer=transfer)), "race")[2]
    assert f"--at: {transfer.place(0.041):.4f}" in row and f"--zero: {transfer.place(0):.4f}" in row


def test_one_that_is_far_behind_does_not_press_the_others_together():
    transfer = transfer_example()
    behind = replace(transfer.contestants[1], gain=-0.4, low=-0.45, high=-0.35)
    wide = replace(transfer.contestants[1], gain=-0.08, low=-0.12, high=-0.04)
    far = replace(transfer, contestants=(*transfer.contestants[:3], behind, wide))
    assert far.gains == (-0.1, 0.07)
    page = light(Content("x", transfer=far))
    rows = table(page, "race")
    assert ["gain off" in row for row in rows] == [False, False, False, True, False]
    assert ["gain cut" in row for row in rows] == [False, False, False, False, True]
    assert "−40.0 (−45.0 to −35.0)" in shown(far)
    assert "an arrow at its left end" in page and "an arrow at" not in light(Content("x", transfer=transfer))


def test_the_axis_shows_the_margin_when_nothing_was_raced():
    alone = Transfer("v", (Contestant("from scratch", "chosen"),), 0.003, 0.95, 0.0)
    assert alone.gains[0] < -0.003 and alone.gains[1] > 0.003
    text = shown(alone)
    assert "not measured" in text and "axis" not in text


def test_the_cost_is_told():
    text = shown(transfer_example())
    assert "Measuring took 35.7 s (features 21.3 s, probes 3.2 s, size 1.4 s, gradients 9.8 s)." in text
    assert "Racing took 2 min 22 s; all of it together 7 min 11 s." in text


@pytest.mark.parametrize(("confidence", "words"), [(0.95, "95 % intervals"), (14 / 15, "93.3 % intervals")])
def test_the_confidence_and_the_margin_are_told(confidence, words):
    text = shown(replace(transfer_example(), confidence=confidence))
    assert words in text and "±0.3 points" in text and transfer_example().rule in text


def test_names_and_notes_are_text():
    name = "<script>alert(1)</script>\"'&"
    transfer = transfer_example()
    measured, raced = transfer.measured, transfer.contestants[2]
    spoiled = replace(
        transfer,
        verdict=name,
        remarks=(name,),
        rule=name,
        contestants=(
            replace(raced, name=name, outcome=name, note=name, setting=name),
            Contestant(name, name, name),
        ),
        measured=replace(
            measured,
            small=(Cell(name), Cell(name)),
            sentences=(name,),
            depths=(replace(measured.depths[0], name=name), *measured.depths[1:]),
            seconds=((name, 1.0),),
        ),
    )
    page, plain = (Page(light(Content("x", transfer=one))) for one in (spoiled, transfer))
    assert page.tags.count("script") == plain.tags.count("script")
    assert page.text("transfer").count(name) == 15


def test_numbers_that_are_not_finite_show_a_dash():
    transfer = transfer_example()
    raced = Contestant("last stage", "dropped", pictures=10)
    depths = tuple(replace(one, gradient=math.nan) for one in transfer.measured.depths)
    bare = replace(transfer, contestants=(raced,), measured=replace(transfer.measured, depths=depths), seconds=math.nan)
    page = Page(light(Content("x", transfer=bare)))
    assert not re.search(r"\b(nan|inf|None)\b", page.text("transfer")) and "nan" not in page.styles
    assert "–" in page.text("transfer")
