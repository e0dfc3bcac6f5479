import json
import math
from dataclasses import replace

from transfer_example import measured_example, transfer_example

from ravine.report.transfer import Depth
from ravine.report.transfer_charts import transfer_figures


def test_three_charts_where_all_was_measured():
    assert list(transfer_figures(transfer_example())) == ["depth", "size", "gradients"]


def test_nothing_measured_nothing_drawn():
    assert transfer_figures(replace(transfer_example(), measured=None)) == {}


def test_what_was_not_measured_is_not_drawn():
    measured = measured_example()
    depths = tuple(replace(one, gradient=math.nan) for one in measured.depths)
    bare = replace(transfer_example(), measured=replace(measured, depths=depths, sizes=((9, 0.5),)))
    assert list(transfer_figures(bare)) == ["depth"]


def test_the_best_depth_is_ringed():
    figure = transfer_figures(transfer_example())["depth"]
    near, ridge, ring = figure["data"]
    assert near["y"] == [one.neighbours for one in measured_example().depths]
    assert ridge["y"][3] == 0.79
    assert (ring["x"], ring["y"], ring["text"]) == ([3], [0.79], ["stage 4"])
    assert figure["layout"]["shapes"][0]["y0"] == 0.14
    assert figure["layout"]["xaxis"]["ticktext"] == ["1", "2", "3", "4", "5", "last"]


def test_sizes_stand_on_a_logarithmic_axis_with_their_numbers():
    x = transfer_figures(transfer_example())["size"]["layout"]["xaxis"]
    assert x["type"] == "log" and x["ticktext"] == ["230", "460", "920", "1,840"]


def test_the_stage_that_asks_for_most_is_in_colour():
    colours = transfer_figures(transfer_example())["gradients"]["data"][0]["marker"]["color"]
    assert [place for place, colour in enumerate(colours) if colour == "--accent"] == [3]


def test_names_of_depths_are_no_markup_and_gaps_are_no_numbers():
    odd = Depth("<b>%{x}</b>", 4, math.nan, 0.5, math.inf)
    measured = replace(measured_example(), depths=(odd, *measured_example().depths[1:]), peak=1)
    figures = transfer_figures(replace(transfer_example(), measured=measured))
    text = json.dumps(figures, allow_nan=False)
    assert "<b>" not in text and "%{x}<" not in text
    assert figures["depth"]["data"][0]["y"][0] is None
