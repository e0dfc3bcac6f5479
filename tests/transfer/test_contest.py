"""Who leaves a race and who wins it, on made-up answers."""

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm

from ravine.transfer.contest import (
    EARLIEST,
    FEWEST,
    GAIN_CHANCE,
    LIKELIHOOD_CHANCES,
    Answers,
    Look,
    beating,
    beats,
    gain,
    hope,
    leaving,
    winner,
)
from ravine.transfer.decision import MARGIN

LAST = Look(3, 3)


def answers(right: np.ndarray, sure: float = 3.0, judged: int | None = None) -> Answers:
    """Answers of two classes, where the true one is 0: the margin is `sure`, for or against."""
    z = np.stack([np.where(right, sure, -sure), np.zeros(len(right))], axis=1).astype(np.float32)
    z[len(z) if judged is None else judged :] = np.nan
    return Answers(z, np.zeros(len(right), np.int64))


def share(n: int, wrong: int, first: int = 0) -> np.ndarray:
    """All right but so many, from the first on."""
    right = np.ones(n, bool)
    right[first : first + wrong] = False
    return right


def alone(n: int) -> np.ndarray:
    return np.arange(n)


def test_answers_are_right_where_the_true_class_is_first_and_calibrated_before_they_are_judged() -> None:
    one = answers(share(50, 10), sure=9.0, judged=40)
    assert one.judged.sum() == 40
    assert one.right.sum() == 30
    assert np.isnan(one.nll[40:]).all()
    assert one.nll[:40].mean() == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)), abs=1e-3)


def test_the_likelihood_is_that_of_the_logits_where_these_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (4000, 3)).astype(np.float32)
    y = (z + rng.gumbel(size=z.shape)).argmax(1)
    found = Answers(z, y)
    assert found.nll.mean() == pytest.approx(-log_softmax(z, axis=1)[np.arange(4000), y].mean(), abs=1e-3)


def test_filling_leaves_what_was_there() -> None:
    none = Answers.none(np.zeros(4, np.int64), 2)
    some = none.filled(np.array([2]), np.array([[1.0, 0.0]], np.float32))
    more = some.filled(np.array([0]), np.array([[0.0, 1.0]], np.float32))
    assert not none.judged.any()
    assert more.judged.tolist() == [True, False, True, False]
    assert more.right.tolist() == [False, False, True, False]


def test_the_looks_spend_the_chance_and_no_more() -> None:
    looks = [Look(number, 3) for number in (1, 2, 3)]
    assert sum(look.gain_chance for look in looks) == pytest.approx(GAIN_CHANCE)
    assert sum(look.share for look in looks) == pytest.approx(1.0)
    assert looks[-1].confidence == pytest.approx(0.8)


def test_gains_are_over_the_pictures_that_both_answered() -> None:
    found = gain(answers(share(100, 50)), answers(share(100, 20), judged=60), alone(100))
    assert found is not None
    assert (found.pictures, found.mean) == (60, pytest.approx(30 / 62))
    assert gain(answers(share(4, 0), judged=0), answers(share(4, 0)), alone(4)) is None


def test_a_clear_gain_beats_and_the_least_unfrozen_leaves() -> None:
    field = {"head": answers(share(200, 40)), "last1": answers(share(200, 10))}
    assert beats(field["head"], field["last1"], alone(200), LAST)
    assert {name: why.outcome for name, why in leaving(field, list(field), alone(200), Look(1, 3)).items()} == {
        "head": "worse"
    }
    assert winner(field, list(field), alone(200), LAST) == "last1"


def test_a_gain_below_the_margin_is_none_however_sure() -> None:
    n = 100_000
    field = {"head": answers(share(n, 1_000)), "last1": answers(share(n, 1_000 - int(0.8 * MARGIN * n)))}
    assert winner(field, list(field), alone(n), LAST) == "head"
    assert leaving(field, list(field), alone(n), LAST)["last1"].outcome == "dropped"
    assert "over head at most" in leaving(field, list(field), alone(n), LAST)["last1"].note


def test_who_is_clearly_worse_than_one_less_unfrozen_leaves() -> None:
    field = {"head": answers(share(200, 10)), "last1": answers(share(200, 60))}
    found = leaving(field, list(field), alone(200), Look(1, 3))
    assert {name: why.outcome for name, why in found.items()} == {"last1": "worse"}
    assert found["last1"].note == "Clearly less accurate than head."


def test_of_those_that_gain_over_the_head_the_likeliest_wins() -> None:
    wrong = {"head": 60, "depth": 60, "last1": 20, "last2": 21, "all": 22}
    field = {name: answers(share(300, count)) for name, count in wrong.items()}
    assert beating(field, list(field), alone(300), LAST) == ["last1", "last2", "all"]
    assert winner(field, list(field), alone(300), LAST) == "last1"
    torn = np.where(np.arange(300) % 2, 9.0, 0.2)
    field["last1"] = Answers(field["last1"].logits * torn[:, None].astype(np.float32), field["last1"].labels)
    assert winner(field, list(field), alone(300), LAST) == "last2"
    assert winner(field, ["head", "depth", "all"], alone(300), LAST) == "all"


def test_where_the_head_has_left_the_likeliest_of_the_others_wins() -> None:
    field = {
        "head": answers(share(300, 60), judged=60),
        "last1": answers(share(300, 60)),
        "all": answers(share(300, 57, first=100)),
    }
    assert winner(field, ["last1", "all"], alone(300), LAST) == "all"
    assert leaving(field, ["last1", "all"], alone(300), LAST) == {}


def test_nobody_leaves_while_few_pictures_have_judged() -> None:
    n = EARLIEST - 1
    field = {"head": answers(share(n, 20)), "last1": answers(share(n, 0)), "all": answers(share(n, 29))}
    assert leaving(field, list(field), alone(n), Look(1, 5)) == {}
    assert winner(field, list(field), alone(n), LAST) == "last1"
    more = {name: answers(share(EARLIEST, int((~one.right).sum()))) for name, one in field.items()}
    assert set(leaving(more, list(more), alone(EARLIEST), Look(1, 5))) == {"head", "all"}


def test_copies_count_as_one_picture() -> None:
    one, other = answers(share(120, 12)), answers(share(120, 6))
    assert beats(one, other, alone(120), Look(1, 3))
    assert not beats(one, other, np.arange(120) // 6, Look(1, 3))


def test_a_likelihood_that_is_clearly_lower_decides_what_accuracy_leaves_open() -> None:
    rng = np.random.default_rng(1)
    margin = rng.normal(1.2, 1.0, 60)
    labels = np.zeros(60, np.int64)

    def of(values: np.ndarray) -> Answers:
        return Answers(np.stack([values, np.zeros(60)], 1).astype(np.float32), labels)

    one, other = of(margin), of(margin * 0.5 + 1.5)
    found = gain(one, other, alone(60))
    assert found is not None and found.mean > MARGIN
    assert beats(one, other, alone(60), LAST)
    assert not beats(other, one, alone(60), LAST)


def test_where_all_would_leave_none_does() -> None:
    field = {"head": answers(share(200, 40)), "last1": answers(share(200, 10)), "last2": answers(share(200, 40))}
    assert set(leaving(field, list(field), alone(200), LAST)) == {"head", "last2"}
    assert leaving(field, ["head"], alone(200), LAST) == {}


@pytest.mark.parametrize("n", [60, 250])
def test_an_equal_rival_wins_by_chance_no_more_often_than_stated(n: int) -> None:
    """Margins of two contestants that share what is hard about a picture; three looks, as in a race."""
    rng = np.random.default_rng(n)
    labels, wins, runs = np.zeros(n, np.int64), 0, 400
    for _ in range(runs):
        shared = norm.ppf(0.85) + np.sqrt(0.8) * rng.normal(size=n)
        z = [np.stack([3 * (shared + np.sqrt(0.2) * rng.normal(size=n)), np.zeros(n)], 1) for _ in range(2)]
        for number in (1, 2, 3):
            seen = n * number // 3
            field = {
                name: Answers.none(labels, 2).filled(np.arange(seen), values[:seen].astype(np.float32))
                for name, values in zip(("head", "last1"), z, strict=True)
            }
            gone = leaving(field, list(field), alone(n), Look(number, 3))
            if gone or number == 3:
                wins += "head" in gone or (
                    "last1" not in gone and winner(field, list(field), alone(n), LAST) == "last1"
                )
                break
    assert 0.02 < wins / runs < GAIN_CHANCE + LIKELIHOOD_CHANCES[1]


def test_who_has_little_hope_is_dropped_once_enough_pictures_have_judged() -> None:
    n, blocks = 3 * FEWEST, alone(3 * FEWEST)
    head = answers(share(n, 30), judged=FEWEST)
    both = ["head", "last1"]
    found = leaving({"head": head, "last1": answers(share(n, 31), judged=FEWEST)}, both, blocks, Look(1, 3))
    assert found["last1"].outcome == "dropped"
    assert found["last1"].note == "It had little hope to become clearly better than head."
    assert leaving({"head": head, "last1": answers(share(n, 27), judged=FEWEST)}, both, blocks, Look(1, 3)) == {}
    fewer = {"head": head, "last1": answers(share(n, 31), judged=FEWEST - 1)}
    assert leaving(fewer, list(fewer), blocks, Look(1, 3)) == {}


def test_after_the_last_look_nobody_is_dropped_for_want_of_hope() -> None:
    one, other = answers(share(100, 20)), answers(share(100, 20))
    assert hope(one, other, alone(100), LAST) == 1.0
    assert leaving({"head": one, "depth": other}, ["head", "depth"], alone(100), LAST) == {}


def test_hope_is_one_where_nothing_was_judged_by_both() -> None:
    assert hope(answers(share(4, 1), judged=0), answers(share(4, 1)), alone(4), Look(1, 3)) == 1.0


def test_the_note_names_who_is_better_most_of_all() -> None:
    wrong = {"head": 90, "last1": 40, "last2": 10, "all": 100}
    field = {name: answers(share(200, count)) for name, count in wrong.items()}
    found = leaving(field, list(field), alone(200), LAST)
    assert {name: why.note.split()[0] for name, why in found.items()} == {
        "head": "last2",
        "last1": "last2",
        "all": "Clearly",
    }
    assert found["all"].note == "Clearly less accurate than head."
