"""What all figures for plotly.js have alike: size, axes, and colours named as the page's style names them."""

import math
from collections.abc import Iterable
from typing import Any

Figure = dict[str, Any]


def axis(title: str, **more: Any) -> Figure:
    """An axis with its title; `more` adds to it or replaces what it has."""
    lines = {"gridcolor": "--line", "zerolinecolor": "--line", "linecolor": "--line"}
    return {"title": {"text": title, "standoff": 8}, "automargin": True, **lines, **more}


def figure(caption: str, traces: list[Figure], x: Figure, y: Figure, *, legend: bool, **more: Any) -> Figure:
    """A figure of some traces; `more` adds to its layout or replaces what that has."""
    layout = {
        "xaxis": x,
        "yaxis": y,
        "height": 320,
        "margin": {"l": 48, "r": 12, "t": 12, "b": 44},
        "showlegend": legend,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0},
        "font": {"color": "--ink", "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": "--paper", "bordercolor": "--muted", "font": {"color": "--ink"}},
        **more,
    }
    return {"data": traces, "layout": layout, "caption": caption}


def finite(values: Iterable[float]) -> list[float | None]:
    """The same numbers; what is not finite becomes a gap."""
    return [float(value) if math.isfinite(value) else None for value in values]
