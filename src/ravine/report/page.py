"""Write the report: one page that holds everything it needs, to be opened from disk."""

import pkgutil
from functools import cache
from pathlib import Path
from shlex import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from ravine.base.errors import OutputError
from ravine.report import wording
from ravine.report.confused import confused_pairs
from ravine.report.content import Content
from ravine.report.sections import filled
from ravine.report.thumbnails import data_uri
from ravine.report.trust import trust

PLOTLY = "package_data/plotly.min.js"
WORDING = (
    "percent",
    "level",
    "decimal",
    "count",
    "plural",
    "duration",
    "size",
    "interval",
    "points",
    "between",
    "share",
    "quoted",
)


def write_report(content: Content, path: str | Path) -> Path:
    """Write a report page.

    The page is one file without any reference to a network: styles, script, plotly.js (4.8 MB, only where there is a
    chart to draw) and thumbnails are inside. All names from the user's side are escaped.

    Args:
        content: What to show; sections that are None are left out.
        path: The file to write, ending in ``.html``; its folder is made where it does not exist.

    Returns:
        The path.

    Raises:
        OutputError: The file cannot be written there.
    """
    target = Path(path)
    page = render(content)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as failure:
        raise OutputError(f"The report cannot be written to {target} ({failure}). Choose another folder.") from failure
    return target


def render(content: Content) -> str:
    """The text of the page; see `write_report`."""
    sections = filled(content)
    script = _plotly() if any(section.figures for section in sections) else ""
    return _environment().get_template("page.html.jinja").render(page=content, sections=sections, plotly=script)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ravine.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters |= {name: getattr(wording, name) for name in WORDING} | {"data_uri": data_uri, "shell": quote}
    environment.globals |= {"trust": trust, "confused_pairs": confused_pairs}
    return environment


@cache
def _plotly() -> str:
    data = pkgutil.get_data("plotly", PLOTLY)
    if data is None:
        raise OutputError(f"plotly comes without {PLOTLY}. Install it again: pip install --force-reinstall plotly.")
    return data.decode()
