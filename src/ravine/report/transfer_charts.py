"""Figures of the section about transfer: accuracy over depth, accuracy by number of pictures, gradients by stage."""

import html
import math
from typing import Any

from ravine.report.figure import Figure, axis, figure, finite
from ravine.report.transfer import Depth, Measured, Transfer

HEIGHT = 270
SHARE = {"tickformat": ".0%", "nticks": 6}


def transfer_figures(transfer: Transfer) -> dict[str, Figure]:
    """Three small charts of what was measured; none where nothing was."""
    if transfer.measured is None:
        return {}
    figures = {"depth": depth_figure(transfer.measured)}
    if len(transfer.measured.sizes) > 1:
        figures["size"] = size_figure(transfer.measured)
    if any(math.isfinite(depth.gradient) for depth in transfer.measured.depths):
        figures["gradients"] = gradient_figure(transfer.measured.depths)
    return figures


def depth_figure(measured: Measured) -> Figure:
    """Accuracy of two simple judges by the depth whose features they are given, the best depth ringed."""
    depths, best = measured.depths, measured.depths[measured.peak]
    places = list(range(len(depths)))
    traces = [
        _line("k-NN", places, [one.neighbours for one in depths], "--second", "diamond", "dash"),
        _line("ridge", places, [one.ridge for one in depths], "--accent", "circle", "solid"),
        _ring(measured.peak, best.accuracy),
    ]
    for trace in traces:
        trace |= {"text": [_plain(one.name) for one in depths], "hovertemplate": "%{text}: %{y:.1%}"}
    traces[-1]["text"] = [_plain(best.name)]
    caption = (
        "Accuracy by the depth of the features; ringed: the best (the last, unless another is clearly ahead); "
        "dotted: always naming the largest class"
    )
    return _small(caption, traces, _stages(depths, "features after stage"), axis("accuracy", **SHARE), measured.chance)


def size_figure(measured: Measured) -> Figure:
    """Accuracy of a ridge head on the last features by the number of pictures that it may learn from."""
    numbers = [number for number, _ in measured.sizes]
    trace = _line("ridge", numbers, [share for _, share in measured.sizes], "--accent", "circle", "solid")
    trace["hovertemplate"] = "%{x:,} pictures: %{y:.1%}<extra></extra>"
    ticks = {"tickvals": numbers, "ticktext": [f"{number:,}" for number in numbers], "tickangle": 0}
    x = axis("pictures (each step doubles them)", type="log", **ticks)
    caption = "Accuracy by the number of pictures: still rising, or flat?"
    return _small(caption, [trace], x, axis("accuracy", **SHARE), legend=False)


def gradient_figure(depths: tuple[Depth, ...]) -> Figure:
    """How much each stage would change, the greatest in colour."""
    values = finite(one.gradient for one in depths)
    most = max(value for value in values if value is not None)
    trace = {
        "type": "bar",
        "x": list(range(len(depths))),
        "y": values,
        "text": [_plain(one.name) for one in depths],
        "textposition": "none",
        "marker": {"color": ["--accent" if value == most else "--faint" for value in values]},
        "hovertemplate": "%{text}: %{y:.3g}<extra></extra>",
    }
    y = axis("gradient / weights", rangemode="tozero", nticks=6, exponentformat="power")
    caption = "How much each stage asks to change: the norm of its gradient relative to that of its weights"
    return _small(caption, [trace], _stages(depths, "weights up to stage"), y, legend=False)


def _line(name: str, x: list[int], y: list[float], colour: str, symbol: str, dash: str) -> Figure:
    return {
        "type": "scatter",
        "name": name,
        "mode": "lines+markers",
        "x": x,
        "y": finite(y),
        "line": {"color": colour, "width": 2, "dash": dash},
        "marker": {"color": colour, "symbol": symbol, "size": 8},
    }


def _ring(place: int, accuracy: float) -> Figure:
    marker = {"color": "--ink", "symbol": "circle-open", "size": 17, "line": {"width": 2}}
    return {
        "type": "scatter",
        "name": "best",
        "mode": "markers",
        "x": [place],
        "y": finite([accuracy]),
        "marker": marker,
    }


def _stages(depths: tuple[Depth, ...], title: str) -> Figure:
    """An axis of depths, each with as little of its name as tells them apart."""
    names = [_plain(one.name.removeprefix("stage ")) for one in depths]
    reach = [-0.5, len(depths) - 0.5]
    return axis(title, tickvals=list(range(len(depths))), ticktext=names, tickangle=0, range=reach, zeroline=False)


def _small(
    caption: str, traces: list[Figure], x: Figure, y: Figure, chance: float = math.nan, *, legend: bool = True
) -> Figure:
    more: dict[str, Any] = {"height": HEIGHT}
    if math.isfinite(chance):
        line = {"color": "--muted", "width": 1.5, "dash": "dot"}
        more["shapes"] = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": chance, "y1": chance, "line": line}]
    return figure(caption, traces, x, y, legend=legend, **more)


def _plain(text: str) -> str:
    """A text that plotly takes for no markup and no template."""
    return html.escape(text).replace("%", "&#37;")
