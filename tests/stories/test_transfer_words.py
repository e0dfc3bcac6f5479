from dataclasses import replace
from typing import get_args

from decisions import bare, clear_winner, head_stays

from ravine.plan.plan import Transfer
from ravine.report.wording import SPACE
from ravine.stories.transfer_words import NAMES, OUTCOMES, TRAINED, name_of, reference, remarks, verdict
from ravine.transfer.decision import Contestant, Outcome


def plain(text: str) -> str:
    return text.replace(SPACE, " ")


def test_every_contestant_and_every_outcome_has_words():
    assert set(NAMES) == set(TRAINED) == set(get_args(Transfer))
    assert set(OUTCOMES) == set(get_args(Outcome))
    assert name_of("another") == "another"


def test_a_winner_is_told_with_its_gain_and_interval():
    assert plain(verdict(clear_winner())) == (
        "Ravine trained the last stage of the body and a head: it is right on 4.1 points more of the pictures than a "
        "head on the last features (80 % interval +1.2 to +7.0)."
    )


def test_a_head_that_stays_is_told_with_the_margin_and_the_closest():
    decision = head_stays()
    assert verdict(decision) == (
        "Ravine trained only a head on the last features: nothing else that was raced gained clearly more than 0.3 "
        "points."
    )
    closest, unraced, table, number = remarks(decision)
    assert (
        plain(closest)
        == "The best of the others was “last stage”, with a gain of +0.4 points (80 % interval −1.1 to +1.9)."
    )
    assert unraced == "Not raced, for want of time: “from scratch”."
    assert table.endswith("would have said the same.")
    assert number == "The number of pictures alone (257), taken as similar, would have said the same."


def test_what_the_textbook_names_is_told_with_its_fate():
    table, number = remarks(clear_winner())
    assert table == (
        "The textbook’s table alone, read with these measurements, would have said to train the whole body and a head, "
        "which was dropped during the race."
    )
    assert number.endswith("to train only a head on the last features, which was beaten in the race.")


def test_a_race_of_one():
    decision = bare()
    assert verdict(decision) == "Ravine trained only a head on the last features: nothing else was raced."
    unraced, number = remarks(decision)
    assert (
        unraced == "Not raced, for want of time: “last two stages”, “whole body”. "
        "Ruled out by a setting: “head on the best depths”. Failed: “last stage”."
    )
    assert number == "The number of pictures alone, taken as similar, would have said the same."


def test_gains_can_be_against_another_than_the_head():
    scratch = Contestant("scratch", "chosen", "", 100, 0.5, 1.0, 0.1, 0.05, 0.15)
    body = Contestant("all", "worse", "", 100, 0.4, 1.2)
    decision = replace(bare(), contestants=(body, scratch))
    assert reference(decision) is body
    assert "than the whole body and a head" in verdict(decision)
    assert remarks(replace(decision, by_number_alone="depth")) == (
        "The number of pictures alone, taken as similar, would have said to train only a head, on the depths whose "
        "features suit it best.",
    )


def test_a_gain_that_is_not_clear_alone_has_its_second_reason():
    head = Contestant("head", "worse", "", 100, 0.7, 0.9)
    unclear = Contestant("last1", "chosen", "", 100, 0.72, 0.65, 0.02, -0.01, 0.05)
    assert plain(verdict(replace(bare(), contestants=(head, unclear)))).endswith(
        "(93.3 % interval −1.0 to +5.0), and surer of the right answers (negative log-likelihood 0.650 instead of "
        "0.900)."
    )


def test_without_time_there_is_no_race():
    alone = replace(bare(), contestants=(Contestant("head", "chosen"), Contestant("all", "skipped")))
    assert reference(alone) is None
    assert verdict(alone).endswith("a head on the last features, without a race, for which there was no time.")
