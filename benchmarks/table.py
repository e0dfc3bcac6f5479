"""Tables in Markdown that can also be read as plain text."""

import statistics
from collections.abc import Sequence

Cell = str | int | float


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table under a title.

    Args:
        title: What is shown, with its units.
        heads: One a column.
        rows: Text is set to the left, numbers to the right; round numbers beforehand.
    """
    lines = [list(heads), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    numeric = [all(not isinstance(row[column], str) for row in rows) for column in range(len(heads))]
    rule = ["-" * (width - 1) + (":" if right else "-") for width, right in zip(widths, numeric, strict=True)]
    print(f"\n{title}\n")
    for line in [lines[0], rule, *lines[1:]]:
        cells = zip(line, widths, numeric, strict=True)
        print(
            "| " + " | ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells) + " |",
            flush=True,
        )


def median(values: Sequence[float], digits: int = 1) -> float:
    """The median, rounded."""
    return round(statistics.median(values), digits)


def mean(values: Sequence[float], digits: int = 3) -> float:
    """The mean, rounded."""
    return round(statistics.fmean(values), digits)
