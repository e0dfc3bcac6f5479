"""What was measured of a machine as one table, with what each figure means for a training; or as JSON."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from ravine.device.probe import Probe
from ravine.plan.catalog import name_of
from ravine.plan.plan import FROZEN
from ravine.stories.device import Bench, Decoding

GIGA, MICRO = 1e9, 1e-6
BATCH, BATCH_BYTES = 128, 128 * 3 * 224 * 224
LAUNCHES = 100


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, on which device, the value in its unit, and what it means for a training."""

    name: str
    device: str
    value: float
    unit: str
    meaning: str


def rows(found: Bench) -> list[Row]:
    """All figures, in the order in which they are shown."""
    several = len(found.probes) > 1
    made = [row for one in found.probes for row in _of_device(one, several)]
    if found.disk:
        if found.disk.cold:
            words = "Pictures are read at this rate the first time."
            made.append(Row("disk, first read", "disk", found.disk.cold / GIGA, "GB/s", words))
        words = "And so from then on, while they fit into memory."
        made.append(Row("disk, read again", "disk", found.disk.warm / GIGA, "GB/s", words))
    return [*made, _decoding(found.decoding)]


def _of_device(one: Probe, several: bool) -> Iterator[Row]:
    def row(name: str, value: float, unit: str, meaning: str) -> Row:
        return Row(f"{name}, {one.device}" if several else name, one.device, value, unit, meaning)

    yield row("products, float32", one.float32 / GIGA, "GFLOP/s", "Convolutions and linear layers go no faster.")
    if one.bfloat16:
        words = f"{one.bfloat16 / one.float32:.1f} times float32, with numbers of two to three digits."
        yield row("products, bfloat16", one.bfloat16 / GIGA, "GFLOP/s", words)
    launches = 1000 * LAUNCHES * one.launch_seconds
    words = f"{LAUNCHES} operations, as in a small network, cost {launches:.2g} ms however small the batch."
    yield row("one operation", one.launch_seconds / MICRO, "µs", words)
    words = "Small operations that wait for each other: where this is most of a step, a CPU beats a GPU."
    yield row("link of a chain", one.link_seconds / MICRO, "µs", words)
    words = "ReLU, batch norm and the update of the weights move at this rate."
    yield row("memory", one.bytes_per_second / GIGA, "GB/s", words)
    for kind, rate in (("pageable", one.pageable), ("pinned", one.pinned)):
        if rate:
            words = f"{BATCH} colour pictures of 224 pixels are there after {1000 * BATCH_BYTES / rate:.2g} ms."
            yield row(f"copy from {kind} memory", rate / GIGA, "GB/s", words)


def _decoding(one: Decoding) -> Row:
    words = f"10,000 such pictures are packed in {10_000 / one.rate:.0f} s or more, once ({one.pictures}, " + (
        "one thread)." if one.threads == 1 else f"{one.threads} threads)."
    )
    return Row("decoding", "cpu", one.rate, "pictures/s", words)


def render(found: Bench, width: int) -> str:
    """The table and the conclusion as text of at most this many columns."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("measured", max_width=20)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("what it means for training")
    for row in rows(found):
        table.add_row(row.name, figure(row.value), row.unit, row.meaning)
    device, why = found.auto
    out = StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False)
    console.print(f"{found.machine['processor']}, {found.machine['cores']} cores, {found.machine['device']}")
    console.print(table)
    console.print(f"\nauto takes {device}. {why}")
    console.print(_step(found))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _step(found: Bench) -> str:
    work, size = found.work, found.plan.picture.size
    kind = "Features" if found.plan.transfer in FROZEN else "A step"
    words = (
        f"{kind} of {name_of(found.plan.model)} on {found.batch:,} pictures of {size} × {size} pixels: "
        f"{work.operations:,.0f} operations, {work.arithmetic / GIGA:.3g} GFLOP, {work.moved / 1e6:.3g} MB moved; "
        "at the rates above "
    )
    return words + ", ".join(f"{1000 * one.seconds:.3g} ms on {one.device}" for one in found.estimates) + "."


def figure(value: float) -> str:
    """Three digits or more.

    Example:
        >>> figure(1234.5), figure(12.34), figure(1.234), figure(0.01234)
        ('1,234', '12.3', '1.23', '0.0123')
    """
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def as_json(found: Bench) -> dict[str, Any]:
    """All of it, for programs."""
    device, why = found.auto
    return {
        "machine": dict(found.machine),
        "measurements": [asdict(row) for row in rows(found)],
        "auto": {"device": device, "why": why},
        "step": {
            "model": name_of(found.plan.model),
            "pictures": found.batch,
            "size": found.plan.picture.size,
            "operations": found.work.operations,
            "gflop": found.work.arithmetic / GIGA,
            "megabytes": found.work.moved / 1e6,
            "least_seconds": {one.device: one.seconds for one in found.estimates},
            "limits": {one.device: one.limit for one in found.estimates},
        },
        "seconds": found.seconds,
    }
