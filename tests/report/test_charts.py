import json
import math

import numpy as np
import pytest

from ravine.report.charts import PALETTE, calibration_figures, penalty_figure, training_figures
from ravine.report.content import Calibration, Curve, PenaltyPath, Training
from ravine.stats.intervals import wilson
from ravine.stats.scores import Reliability, reliability


def members(number: int, chosen: int = 0) -> tuple[Curve, ...]:
    return tuple(Curve(f"member {i}", (2.0, 1.0), (2.1, 1.2), (0.4, 0.6), chosen=i == chosen) for i in range(number))


def test_every_member_has_one_line_of_each_kind():
    figures = training_figures(Training("NLL", curves=members(3)))
    assert set(figures) == {"loss", "accuracy"}
    assert len(figures["accuracy"]["data"]) == 3
    assert [trace["line"]["dash"] for trace in figures["loss"]["data"]] == ["dash", "solid"] * 3
    assert figures["loss"]["data"][0]["x"] == [1, 2] and figures["loss"]["data"][1]["y"] == [2.1, 1.2]


def test_few_members_have_their_own_colours():
    lines = training_figures(Training("NLL", curves=members(3)))["accuracy"]["data"]
    assert [line["line"]["color"] for line in lines] == list(PALETTE[:3])


def test_of_many_members_the_chosen_one_is_drawn_last_and_in_colour():
    lines = training_figures(Training("NLL", curves=members(20, chosen=4)))["accuracy"]["data"]
    assert lines[-1]["name"] == "member 4" and lines[-1]["line"]["color"] == "--accent"
    assert {line["line"]["color"] for line in lines[:-1]} == {"--faint"}


def test_names_of_members_are_no_markup():
    curve = Curve("<b>%{x}</b>", (1.0, 0.5), (1.0, 0.6), (0.5, 0.6))
    for figure in training_figures(Training("NLL", curves=(curve,))).values():
        for trace in figure["data"]:
            assert "<b>" not in trace["name"] and "<b>" not in trace["hovertemplate"]
            assert trace["hovertemplate"].count("%{x}") == 1


def test_what_was_not_measured_is_not_drawn():
    assert training_figures(Training("NLL")) == {}
    only = Curve("member 0", (1.0, 0.5), (), ())
    figures = training_figures(Training("NLL", curves=(only,)))
    assert set(figures) == {"loss"} and len(figures["loss"]["data"]) == 1
    assert training_figures(Training("NLL", penalty_path=PenaltyPath((), (), 0))) == {}


def test_the_chosen_penalty_is_marked():
    figure = penalty_figure(PenaltyPath((1e-3, 1e-2, 1e-1), (0.5, 0.3, 0.9), 1))
    assert figure["data"][1]["x"] == [1e-2] and figure["data"][1]["y"] == [0.3]
    assert figure["layout"]["xaxis"]["type"] == "log"


def test_a_penalty_of_zero_needs_a_linear_axis():
    assert "type" not in penalty_figure(PenaltyPath((0.0, 1.0), (0.5, 0.3), 1))["layout"]["xaxis"]


def test_numbers_that_are_not_finite_become_gaps():
    curve = Curve("member 0", (math.nan, 1.0), (math.inf, 1.0), (0.5, math.nan))
    path = PenaltyPath((1.0, 2.0), (math.nan, -math.inf), 0)
    figures = training_figures(Training("NLL", curves=(curve,), penalty_path=path))
    assert json.loads(json.dumps(figures, allow_nan=False))["loss"]["data"][0]["y"] == [None, 1.0]


@pytest.fixture
def bins() -> Reliability:
    rng = np.random.default_rng(3)
    p = rng.dirichlet([0.4, 0.4, 0.4], 60)
    return reliability(p, rng.integers(0, 3, 60))


def test_whiskers_are_wilson_intervals_of_the_bins(bins):
    trace = calibration_figures(Calibration(bins, bins, 1.0, "none"))["reliability"]["data"][2]
    for n, y, up, down in zip(
        trace["customdata"], trace["y"], trace["error_y"]["array"], trace["error_y"]["arrayminus"], strict=True
    ):
        low, high = wilson(round(y * n), n)
        assert (y - down, y + up) == pytest.approx((low, high))
    assert sum(trace["customdata"]) == 60


def test_the_histogram_counts_every_picture(bins):
    figure = calibration_figures(Calibration(bins, bins, 1.0, "none"))["confidence"]
    assert [sum(trace["y"]) for trace in figure["data"]] == [60, 60]


def test_without_pictures_there_is_no_diagram():
    none = reliability(np.zeros((0, 3)), np.zeros(0, np.int64))
    assert calibration_figures(Calibration(none, none, 1.0, "none")) == {}
