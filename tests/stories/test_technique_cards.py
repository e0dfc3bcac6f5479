"""Every technique has a card that can be read."""

import re

import pytest

from ravine.base.errors import PlanError
from ravine.plan.catalog import PARTS, table
from ravine.stories.techniques import card, listing

NAMES = [(kind, name) for kind in PARTS for name in table(kind)]


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_card_has_a_title_a_text_and_every_setting(kind: str, name: str) -> None:
    import dataclasses

    text = card(name)
    assert text.startswith(f"{name} ({kind})\n")
    assert "object at 0x" not in text
    assert "MISSING" not in text
    for field in dataclasses.fields(table(kind)[name]):
        assert re.search(rf"^  {name if kind == 'technique' else kind}\.{field.name} = ", text, re.MULTILINE)


def test_the_listing_has_a_line_for_each_with_a_title() -> None:
    lines = listing().splitlines()
    for _, name in NAMES:
        assert any(re.match(rf"  {name} +\S", line) for line in lines), name


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(PlanError, match=r"There is no technique 'drop-out'\. Did you mean 'dropout'"):
        card("drop-out")
