import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.regularize.early_stopping import EarlyStopping


def run(values, **settings):
    """Feed values until the watch stops: the epochs that were kept, and how many epochs there were."""
    watch, kept = EarlyStopping(**settings).watch(), []
    measure = settings.get("measure", "nll")
    for epoch, value in enumerate(values):
        watch = watch.see(**{"nll": 1.0, "accuracy": 0.0, measure: value})
        if watch.improved:
            kept.append(epoch)
        if watch.stops:
            return kept, epoch + 1
    return kept, None


def test_it_stops_when_the_best_is_patience_epochs_ago():
    assert run([5, 4, 3, 3.5, 3.2, 3.1, 0], patience=3) == ([0, 1, 2], 6)
    assert run([5, 4, 3, 3.5, 3.2, 2.9, 3], patience=3) == ([0, 1, 2, 5], None)


def test_accuracy_is_to_rise():
    assert run([0.5, 0.6, 0.6, 0.55], patience=2, measure="accuracy") == ([0, 1], 4)


def test_a_small_change_is_no_gain():
    assert run([1.0, 0.95, 0.85, 0.8], patience=2, min_change=0.1) == ([0, 2], None)
    assert run([1.0, 0.95, 0.91], patience=2, min_change=0.1) == ([0], 3)


def test_what_is_not_a_number_is_no_gain():
    assert run([math.nan, math.nan], patience=2) == ([], 2)
    assert run([math.nan, 3.0, math.nan, 2.0], patience=2) == ([1, 3], None)


def test_seeing_leaves_the_watch_as_it_was():
    watch = EarlyStopping().watch()
    assert watch.see(1.0, 0.5) == watch.see(1.0, 0.5)
    assert (watch.improved, watch.stops) == (False, False)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=30), st.integers(1, 6), st.sampled_from(["nll", "accuracy"]))
def test_the_last_kept_epoch_is_the_best_of_those_seen(values, patience, measure):
    kept, stopped = run(values, patience=patience, measure=measure)
    seen = values[:stopped]
    best = min(seen) if measure == "nll" else max(seen)
    assert kept[-1] == seen.index(best)
    if stopped:
        assert stopped - 1 - kept[-1] == patience


@pytest.mark.parametrize("patience", [1, 4])
def test_constant_values_stop_after_patience_epochs(patience):
    assert run([1.0] * 10, patience=patience) == ([0], patience + 1)
