"""How far to trust an accuracy, in plain words."""

import math

from ravine.report.wording import count, percent, plural
from ravine.stats.scores import Scores

WIDE = 0.10
NARROW = 0.03


def trust(scores: Scores, baseline: float) -> tuple[str, ...]:
    """Say what an accuracy and its interval mean for someone who has to rely on it.

    Args:
        scores: Measures on the test pictures.
        baseline: Accuracy of always guessing the most frequent class, in [0, 1].

    Returns:
        Paragraphs: what was seen, how sure that is, whether it beats guessing; and where it holds.
    """
    if scores.n == 0 or not math.isfinite(scores.accuracy):
        return ("No picture was left to test on, so nobody knows how good this model is.",)
    return (f"{_seen(scores)} {_sure(scores)} {_beats(scores, baseline)}", _holds())


def _seen(scores: Scores) -> str:
    right = round(scores.accuracy * scores.n)
    return f"It was right on {count(right)} of {plural(scores.n, 'test picture')} that were kept out of training."


def _sure(scores: Scores) -> str:
    low, high = scores.accuracy_interval
    span = f"between {percent(low, 0)} and {percent(high, 0)}"
    if high - low > WIDE:
        more = "Four times as many test pictures would halve this doubt."
        return f"That is a small test: the true accuracy may lie anywhere {span}. {more}"
    if high - low > NARROW:
        return f"The true accuracy most likely lies {span}."
    return f"The test was large enough to be exact: the true accuracy most likely lies {span}."


def _beats(scores: Scores, baseline: float) -> str:
    low, high = scores.accuracy_interval
    if low > baseline:
        return "This is clearly better than always giving the most frequent answer."
    if high < baseline:
        return "This is worse than always giving the most frequent answer: do not use this model."
    return "This is not clearly better than always giving the most frequent answer: do not rely on this model."


def _holds() -> str:
    return (
        "All of this holds for pictures like these. A picture of something else still gets one of these classes, "
        "and pictures taken in another way may be judged worse."
    )
