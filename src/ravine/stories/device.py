"""What this machine can do for a training, measured in a few seconds, and the device that `auto` takes."""

import io
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ravine.base.errors import ImageError
from ravine.data import jpeg
from ravine.data.decode import Decoded, decode
from ravine.data.pack import cache_directory
from ravine.data.sources import read_source
from ravine.data.sources.listing import Listing
from ravine.data.workers import in_threads
from ravine.device.disk import DiskRates, disk_rates
from ravine.device.estimate import Estimate, Work, estimate, which
from ravine.device.machine import choose_device, describe, threads, usable_cores
from ravine.device.probe import Probe, probe
from ravine.plan.plan import FROZEN, Plan
from ravine.plan.presets import Facts, propose
from ravine.plan.toml import wishes
from ravine.train.work import work_of

DECODE_SECONDS = 0.6
SAMPLED = 64
"""Pictures of a source that are opened, at most."""

MADE_UP = (375, 500)
"""Height and width of the photo that is decoded where the source holds none."""

FEATURE_BATCH = 16
"""Pictures that pass through a frozen body at once."""

FULL_BATCH = 1024
"""Pictures that pass at once where all pictures make one step."""

DEMO = Facts(pictures=2_000, classes=10, median_side=28, same_size=True, grey=True, cores=1, device="cpu")


@dataclass(frozen=True)
class Decoding:
    """How fast pictures are decoded: pictures a second in all threads, how many threads, and which pictures."""

    rate: float
    threads: int
    pictures: str


@dataclass(frozen=True)
class Bench:
    """Everything that was measured, and what follows for one plan.

    Attributes:
        machine: In words, as `describe` gives it.
        probes: One a device, the CPU first.
        disk: Of the folder where packs lie; None where it cannot be written.
        decoding: Of pictures.
        plan: The plan that the estimate is for.
        batch: Pictures in a step of it.
        work: What such a step asks for.
        estimates: The least time of a step, one a device, the CPU first.
        seconds: How long all of it took.
    """

    machine: Mapping[str, str]
    probes: tuple[Probe, ...]
    disk: DiskRates | None
    decoding: Decoding
    plan: Plan
    batch: int
    work: Work
    estimates: tuple[Estimate, ...]
    seconds: float

    @property
    def auto(self) -> tuple[str, str]:
        """The device that `auto` takes, and why."""
        return which(list(self.estimates))


def bench(source: str | Path | None = None, settings: Mapping[str, Any] | None = None) -> Bench:
    """Measure this machine.

    Args:
        source: Pictures whose decoding is measured and whose plan is estimated; without, those of the demo's size.
        settings: Choices of the plan, as for `fit`.

    Raises:
        RavineError: The source or the choices cannot be used as given.
    """
    began = time.perf_counter()
    device, cores = choose_device("auto"), usable_cores()
    listing = None if source is None else read_source(source)
    decoding, seen = _decoding(listing, cores)
    plan, _ = propose(_facts(listing, seen, cores, device), wishes(dict(settings or {})))
    with threads(cores):
        work, batch = _work(plan, 10 if listing is None else len(listing.classes))
        names = ["cpu"] if device == "cpu" else ["cpu", device]
        probes = tuple(probe(name, describe(name)["device"]) for name in names)
    estimates = tuple(estimate(one, work) for one in probes)
    disk = disk_rates(cache_directory())
    seconds = time.perf_counter() - began
    return Bench(describe(device), probes, disk, decoding, plan, batch, work, estimates, seconds)


def _work(plan: Plan, classes: int) -> tuple[Work, int]:
    """What a step of the plan asks for, and on how many pictures."""
    head, picture = plan.transfer in FROZEN, plan.picture
    batch = FEATURE_BATCH if head else plan.batch_size or FULL_BATCH
    network = plan.model.build(picture.channels, picture.size, classes).train(not head)
    shape = (picture.channels, picture.size, picture.size)
    work = work_of(network, shape, batch, backward=not head)
    return Work(work.operations, work.arithmetic, work.moved, copied=float(batch * np.prod(shape))), batch


def _facts(listing: Listing | None, seen: list[Decoded], cores: int, device: str) -> Facts:
    """What a scan would find, from a few pictures."""
    if listing is None:
        return Facts(**{**vars(DEMO), "cores": cores, "device": device})
    heights, widths = (np.array([one.pixels.shape[axis] for one in seen] or [28]) for axis in (0, 1))
    sides = np.maximum(heights, widths)
    return Facts(
        pictures=sum(item.part != "test" for item in listing.items),
        classes=len(listing.classes),
        median_side=int(np.median(sides)),
        same_size=bool((heights == widths).all() and (sides == sides[0]).all()),
        grey=all(one.grey for one in seen),
        cores=cores,
        device=device,
    )


def _decoding(listing: Listing | None, cores: int) -> tuple[Decoding, list[Decoded]]:
    """How fast pictures of the source are decoded, or a photo that is made up; and the source's pictures."""
    pictures = [] if listing is None else [listing.items[place].picture for place in _spread(len(listing.items))]
    files = [picture for picture in pictures if isinstance(picture, Path)]
    if files:
        rate, seen = _rate(files, cores)
        if seen:
            return Decoding(rate, cores, f"{len(seen)} pictures of the source{_by()}"), seen
    with tempfile.TemporaryDirectory() as name:
        photo = Path(name) / "photo.jpg"
        photo.write_bytes(_photo())
        rate, _ = _rate([photo] * SAMPLED, cores)
    height, width = MADE_UP
    words = f"a made-up JPEG of {width} × {height} pixels{_by()}"
    return Decoding(rate, cores, words), [decode(array) for array in pictures if isinstance(array, np.ndarray)]


def _by() -> str:
    """What reads JPEG files, if that is decided."""
    return f", JPEG by {jpeg.decoders.name}" if jpeg.decoders.name else ""


def _spread(count: int) -> list[int]:
    """Up to `SAMPLED` places, evenly over all."""
    return sorted(set(np.linspace(0, count - 1, SAMPLED).astype(int).tolist()))


def _rate(files: list[Path], cores: int) -> tuple[float, list[Decoded]]:
    """Pictures a second, and the pictures; it ends after a fraction of a second, unless one takes longer."""
    seen: list[Decoded] = []
    for file in files[: jpeg.RACE]:
        _decoded(file)
    began = time.perf_counter()
    for some in _portions(files, 4 * cores):
        seen += [one for one in in_threads(lambda place, some=some: _decoded(some[place]), len(some), cores) if one]
        if time.perf_counter() - began > DECODE_SECONDS:
            break
    return len(seen) / (time.perf_counter() - began), seen


def _portions(files: list[Path], size: int) -> Iterator[list[Path]]:
    for start in range(0, len(files), size):
        yield files[start : start + size]


def _decoded(file: Path) -> Decoded | None:
    try:
        return decode(file)
    except ImageError:
        return None


def _photo() -> bytes:
    height, width = MADE_UP
    coarse = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    smooth: Callable[..., Image.Image] = Image.fromarray(coarse).resize
    file = io.BytesIO()
    smooth((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()
