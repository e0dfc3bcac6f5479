"""Figures for plotly.js, as the plain dictionaries that become its JSON.

Colours are named as the page's style names them (``--accent``); the page's script puts in the value that fits a light
or a dark screen, or paper. Nothing here imports plotly.
"""

import html
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ravine.report.content import Calibration, Curve, PenaltyPath, Training
from ravine.report.figure import Figure, axis, figure, finite
from ravine.stats.intervals import wilson
from ravine.stats.scores import Reliability

PALETTE = ("--accent", "--second", "--third", "--fourth", "--fifth", "--sixth")
LEGEND_MEMBERS = 3


def training_figures(training: Training) -> dict[str, Figure]:
    """The curves of training, or the path of the penalty; none where nothing was recorded."""
    figures: dict[str, Figure] = {}
    curves = training.curves if _few(training.curves) else sorted(training.curves, key=lambda curve: curve.chosen)
    if any(curve.train_loss or curve.validation_loss for curve in curves):
        figures["loss"] = loss_figure(curves)
    if any(curve.validation_accuracy for curve in curves):
        figures["accuracy"] = accuracy_figure(curves)
    if training.penalty_path and training.penalty_path.penalties:
        figures["penalty"] = penalty_figure(training.penalty_path)
    return figures


def loss_figure(curves: Sequence[Curve]) -> Figure:
    """Training loss (dashed) and validation loss (solid) by epoch, one colour a member."""
    traces = []
    for curve, colour in zip(curves, _colours(curves), strict=True):
        training = _course(f"{curve.member}, training", curve.train_loss, colour, "dash")
        validation = _course(f"{curve.member}, validation", curve.validation_loss, colour, "solid")
        traces += [training, validation] if len(curves) == 1 else _one_key(curve.member, training, validation)
    caption = "Loss by epoch: dashed on the training pictures, solid on the validation pictures"
    return _by_epoch(caption, traces, curves, axis("loss"))


def accuracy_figure(curves: Sequence[Curve]) -> Figure:
    """Validation accuracy by epoch, one colour a member."""
    traces = [
        _course(curve.member, curve.validation_accuracy, colour, "solid")
        for curve, colour in zip(curves, _colours(curves), strict=True)
    ]
    y = axis("validation accuracy", tickformat=".0%")
    return _by_epoch("Accuracy on the validation pictures by epoch", traces, curves, y)


def penalty_figure(path: PenaltyPath) -> Figure:
    """Out-of-fold negative log-likelihood against the penalty, with the chosen one marked."""
    points = {"x": finite(path.penalties), "y": finite(path.nll)}
    chosen = {axis: values[path.chosen : path.chosen + 1] for axis, values in points.items()}
    hover = "penalty %{x:.3g}<br>NLL %{y:.4f}<extra></extra>"
    line = {"mode": "lines+markers", "line": {"color": "--muted", "width": 2}, "marker": {"size": 6}}
    mark = {"mode": "markers", "marker": {"color": "--accent", "size": 13, "line": {"color": "--paper", "width": 2}}}
    traces = [
        {"type": "scatter", "name": "tried", "hovertemplate": hover, **points, **line},
        {"type": "scatter", "name": "chosen", "hovertemplate": hover, **chosen, **mark},
    ]
    x = {"type": "log", "exponentformat": "power"} if all(p > 0 for p in path.penalties) else {}
    caption = "Strength of the penalty against the loss on held-out pictures"
    return figure(caption, traces, axis("penalty", **x), axis("out-of-fold NLL"), legend=True)


def calibration_figures(calibration: Calibration) -> dict[str, Figure]:
    """The reliability diagram and the histogram of confidence; none where no picture was judged."""
    if calibration.after.count.sum() == 0:
        return {}
    return {"reliability": reliability_figure(calibration), "confidence": confidence_figure(calibration)}


def reliability_figure(calibration: Calibration) -> Figure:
    """Accuracy against confidence in bins, before and after the temperature, with 95 % intervals after it."""
    diagonal = {"x": [0, 1], "y": [0, 1], "mode": "lines", "line": {"color": "--muted", "dash": "dot", "width": 1.5}}
    traces = [
        {"type": "scatter", "name": "ideal", "hoverinfo": "skip", **diagonal},
        _bins("before", calibration.before, "--second", "circle-open", intervals=False),
        _bins("after", calibration.after, "--accent", "circle", intervals=True),
    ]
    share = {"tickformat": ".0%", "dtick": 0.25}
    x = axis("stated confidence", range=[0, 1.02], **share)
    y = axis("share that was right", range=[-0.02, 1.02], **share)
    caption = "Stated confidence against the share that was right; bars are 95 % intervals, the dotted line is ideal"
    return figure(caption, traces, x, y, legend=True)


def confidence_figure(calibration: Calibration) -> Figure:
    """How many pictures were answered with which confidence, before and after."""
    traces = [
        _histogram("before", calibration.before, "--second"),
        _histogram("after", calibration.after, "--accent"),
    ]
    x = axis("stated confidence", range=[0, 1], tickformat=".0%", dtick=0.25)
    y = axis("test pictures", rangemode="tozero")
    caption = "How many test pictures were answered with which confidence"
    return figure(caption, traces, x, y, legend=True, bargap=0.1, barmode="group")


def _bins(name: str, found: Reliability, colour: str, symbol: str, *, intervals: bool) -> Figure:
    filled = [index for index, number in enumerate(found.count) if number]
    number, accuracy = found.count[filled], found.accuracy[filled]
    trace = {
        "type": "scatter",
        "name": name,
        "mode": "lines+markers",
        "x": finite(found.confidence[filled]),
        "y": finite(accuracy),
        "customdata": number.tolist(),
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "symbol": symbol, "size": 9},
        "hovertemplate": name + ": stated %{x:.1%}, right %{y:.1%}, n = %{customdata}<extra></extra>",
    }
    return trace | {"error_y": _whiskers(number, accuracy, colour)} if intervals else trace


def _whiskers(number: np.ndarray, accuracy: np.ndarray, colour: str) -> Figure:
    ends = [wilson(round(float(a) * int(n)), int(n)) for n, a in zip(number, accuracy, strict=True)]
    up = [high - float(a) for (_, high), a in zip(ends, accuracy, strict=True)]
    down = [float(a) - low for (low, _), a in zip(ends, accuracy, strict=True)]
    line = {"color": colour, "thickness": 1, "width": 3}
    return {"type": "data", "symmetric": False, "array": finite(up), "arrayminus": finite(down), **line}


def _histogram(name: str, found: Reliability, colour: str) -> Figure:
    edges = found.edges
    return {
        "type": "bar",
        "name": name,
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "y": found.count.tolist(),
        "customdata": [f"{100 * low:.0f}–{100 * high:.0f} %" for low, high in pairwise(edges)],
        "marker": {"color": colour},
        "hovertemplate": name + ": %{y} pictures at %{customdata}<extra></extra>",
    }


def _few(curves: Sequence[Curve]) -> bool:
    return len(curves) <= len(PALETTE)


def _colours(curves: Sequence[Curve]) -> list[str]:
    if _few(curves):
        return list(PALETTE[: len(curves)])
    return ["--accent" if curve.chosen else "--faint" for curve in curves]


def _course(name: str, values: Sequence[float], colour: str, dash: str) -> Figure:
    return {
        "type": "scatter",
        "name": html.escape(name),
        "mode": "lines+markers" if len(values) < 2 else "lines",
        "x": list(range(1, len(values) + 1)),
        "y": finite(values),
        "line": {"color": colour, "dash": dash, "width": 2},
        "hovertemplate": html.escape(name).replace("%", "&#37;") + "<br>epoch %{x}: %{y:.4g}<extra></extra>",
    }


def _one_key(member: str, training: Figure, validation: Figure) -> list[Figure]:
    return [training | {"showlegend": False}, validation | {"name": html.escape(member)}]


def _by_epoch(caption: str, traces: list[Figure], curves: Sequence[Curve], y: Figure) -> Figure:
    epochs = max((len(trace["x"]) for trace in traces), default=1)
    x = axis("epoch", **({"dtick": 1} if epochs <= 12 else {}))
    drawn = [trace for trace in traces if trace["x"]]
    said = caption if _few(curves) else f"{caption}; chosen members in colour"
    return figure(said, drawn, x, y, legend=len(curves) <= LEGEND_MEMBERS)
