import numpy as np
import pytest
from ensemble_training import linear_judge
from sklearn.metrics import accuracy_score, f1_score, log_loss

from ravine.ensemble.judge import Judge, by_worth

ROWS = np.random.default_rng(1).normal(size=(3, 12))


def test_measures_agree_with_scikit_learn():
    for measure, reference in (
        ("nll", lambda p, y: -log_loss(y, p)),
        ("accuracy", lambda p, y: accuracy_score(y, p.argmax(1))),
        ("macro_f1", lambda p, y: f1_score(y, p.argmax(1), average="macro")),
    ):
        judge = linear_judge(ROWS, measure)
        said = judge.probabilities((0.5, 0.5, 0.0))
        assert judge.worth(said) == pytest.approx(reference(said, judge.labels), abs=1e-12)


def test_alone_is_each_candidate():
    judge = linear_judge(ROWS)
    np.testing.assert_array_equal(judge.alone(3)[2], judge.probabilities((0.0, 0.0, 1.0)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_a_number_is_worth_nothing(wrong):
    judge = Judge(lambda _: np.array([[wrong, 0.0]]), np.array([0]), "accuracy")
    with np.errstate(invalid="ignore"):
        assert judge.worth(judge.probabilities((1.0,))) == -np.inf


def test_best_first():
    assert by_worth([-np.inf, 0.1, 0.3, 0.1]) == [2, 1, 3, 0]
