import re
from dataclasses import fields, replace

import numpy as np
from parsed_page import Page, light

from ravine.report.content import (
    Confusion,
    Content,
    Curve,
    Mistakes,
    Reproduction,
)
from ravine.report.found import ClassCount, PictureGroup
from ravine.report.page import render
from ravine.report.sections import SECTIONS


def test_every_tag_is_closed_and_every_section_is_there(full):
    page = Page(light(full))
    assert page.open == []
    assert page.tags.count("section") == len(SECTIONS)
    assert list(page.texts)[1:] == [section.field for section in SECTIONS]


def test_every_section_is_a_field_of_the_content():
    named = {field.name for field in fields(Content)} - {"title", "subtitle"}
    assert {section.field for section in SECTIONS} == named


def test_the_page_loads_nothing(full):
    page = Page(light(full))
    assert page.loads
    assert all(load.startswith(("#", "data:image/")) for load in page.loads)
    assert "link" not in page.tags and "iframe" not in page.tags
    assert not re.search(r"@import|url\(", page.styles)


def test_plotly_is_embedded_once_and_only_where_it_is_needed(full):
    assert render(full).count("* plotly.js v") == 1
    assert "plotly.js v" not in render(replace(full, transfer=None, training=None, calibration=None))


def test_names_from_the_user_are_text(full):
    name = "<script>alert(1)</script>\"' & <img src=x onerror=alert(2)>"
    data = replace(
        full.data, source=name, classes=(ClassCount(name, 1, 2, 3),), leaks=(PictureGroup((name,), (name,)),)
    )
    training = replace(full.training, curves=(Curve(name, (1.0, 0.5), (1.0, 0.4), (0.3, 0.4)),))
    reproduction = replace(full.reproduction, command=name, plan=name, model=name)
    page = Page(light(replace(full, title=name, data=data, training=training, reproduction=reproduction)))
    plain = Page(light(full))
    assert page.tags.count("img") == plain.tags.count("img")
    assert page.tags.count("script") == plain.tags.count("script")
    assert name in page.text("data") and name in page.text("reproduction")


def test_the_headline(full):
    text = Page(light(full)).text("headline")
    scores = full.headline.scores
    for shown in ("84.6 %", "95 % interval 76.5–90.3 %", "n = 104", "11.5 %", "ankle boot", "918 pictures, 9 classes"):
        assert shown in text
    for number in (scores.macro_f1, scores.nll, scores.brier, scores.ece):
        assert f"{number:.3f}" in text
    for shown in ("1 min 23 s", "13.6 MB", "negative log-likelihood on pictures held out", "right on 88 of 104"):
        assert shown in text
    assert full.headline.caveats[0] in text


def test_the_data(full):
    text = Page(light(full)).text("data")
    for shown in ("914 pictures of 9 classes in photos/ (class folders)", "720", "smallest 120 × 160", "6000 × 4000"):
        assert shown in text
    for shown in (
        "112 pictures",
        "Set aside: 7 files",
        "IMG_0006.jpg",
        "truncated: 812 of 40,311 bytes",
        "a (copy).jpg",
    ):
        assert shown in text
    assert "Same picture under two labels: 1 case" in text
    assert "no picture is in two parts of the split" in text and "no file had to be set aside" not in text


def test_what_was_not_looked_for_is_not_denied(full):
    text = Page(light(replace(full, data=replace(full.data, leaks=None, near_duplicates=None)))).text("data")
    assert "two parts of the split" not in text and "look alike" not in text


def test_leaks_are_told(full):
    leak = PictureGroup(("photos/train/a.jpg", "photos/test/b.jpg"), ("train", "test"))
    page = Page(light(replace(full, data=replace(full.data, leaks=(leak,)))))
    assert "the true accuracy is likely lower" in page.text("headline")
    assert "the true accuracy is likely lower" not in Page(light(full)).text("headline")
    text = page.text("data")
    assert "Same picture in different parts: 1 case" in text and "photos/test/b.jpg" in text


def test_long_lists_say_how_many_more(full):
    group = PictureGroup(("a.jpg", "b.jpg"))
    text = Page(light(replace(full, data=replace(full.data, duplicates=(group,) * 1250)))).text("data")
    assert "… and 1,200 more." in text


def test_the_plan_and_the_training(full):
    page = Page(light(full))
    for choice in full.plan.choices:
        assert all(word in page.text("plan") for word in (choice.name, choice.value, choice.reason))
    text = page.text("training")
    for shown in (
        "validation NLL",
        "0.3412",
        "0.4127",
        "✓ chosen",
        "0.001",
        "fitted again on the 936",
        "Less is better",
    ):
        assert shown in text


def test_the_calibration(full):
    text, found = Page(light(full)).text("calibration"), full.calibration
    for shown in ("1.800", "the 104 validation pictures", f"{found.before.ece:.3f}", f"{found.after.ece:.3f}"):
        assert shown in text
    assert "93.3–100.0 %" in text


def test_the_confusion_matrix(full):
    page = light(full)
    body = page[page.index('class="matrix"') :]
    body = body[: body.index("</table>")]
    cells = [[int(cell or 0) for cell in re.findall(r"<td[^>]*>(\d*)</td>", row)] for row in body.split("<tr>")[2:]]
    np.testing.assert_array_equal(cells, full.confusion.counts)


def test_many_classes_are_shown_as_pairs(full):
    counts = np.diag(np.arange(1, 32))
    counts[4, 7], counts[30, 2] = 17, 40
    names = tuple(f"class {i}" for i in range(31))
    page = light(Content("x", confusion=Confusion(names, counts)))
    assert 'class="matrix"' not in page
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td.*?>(\d+)</td>", page)
    assert rows == [("class 30", "class 2", "40"), ("class 4", "class 7", "17")]


def test_class_by_class(full):
    text = Page(light(full)).text("per_class")
    for row in full.per_class.rows:
        low, high = row.recall_interval
        shares = f"{100 * row.precision:.1f} % {100 * row.recall:.1f} % {100 * low:.1f}–{100 * high:.1f} %"
        shown = f"{row.name} {row.n} {shares}"
        assert shown in text and f"{row.f1:.3f}" in text


def test_the_gallery(full):
    page = Page(light(full))
    worst = full.mistakes.worst[0]
    assert "16 of 104 test pictures got a wrong answer" in page.text("mistakes")
    assert worst.file in page.text("mistakes") and f"{100 * worst.confidence:.0f} % sure" in page.text("mistakes")
    assert page.tags.count("img") == 16


def test_the_gallery_stops_at_24(full):
    many = replace(full.mistakes, wrong=48, worst=full.mistakes.worst * 3)
    assert Page(light(Content("x", mistakes=many))).tags.count("img") == 24


def test_no_mistake_is_said_kindly():
    assert "None. All 52 test pictures got the right answer." in light(Content("x", mistakes=Mistakes(52, 0, ())))


def test_the_rest(full):
    page = Page(light(full))
    for shown in ("1 min 23 s in all", "features 48.3 s 57.9 %", "scan 1.9 s 2.3 %"):
        assert shown in page.text("time")
    assert "0.0213" in page.text("agreement") and "1 picture got another answer" in page.text("agreement")
    text = page.text("reproduction")
    for shown in (full.reproduction.command, "penalty = 0.001", "torch 2.14.0", "cores 2", "13.6 MB", "seed 0"):
        assert shown in text
    assert 'model = ravine.load("model.ravine")' in text and "ravine predict model.ravine photo.jpg" in text


def test_a_model_name_is_quoted_for_the_shell():
    assert "ravine predict 'my model.ravine' photo.jpg" in Page(
        light(Content("x", reproduction=Reproduction("c", 0, "", model="my model.ravine")))
    ).text("reproduction")
