"""257 photos of 9 classes: do several views of each picture, or earlier depths, make a better head on a frozen body?

    python -m benchmarks.views                    seeds 0 to 4
    python -m benchmarks.views --seeds 0 --ways head,head_flip2,head_crop_flip4

Each picture is judged once a seed, by a head that was fitted to the other four of five folds; penalty and depth are
chosen by folds within those. So every number is over all 257 photos and each seed, with the same folds for all rows.
"""

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from benchmarks.data.photos import copy_to
from benchmarks.machine import machine
from benchmarks.options import names, parser
from benchmarks.table import Cell, mean, show
from ravine.augment.flip import Flip
from ravine.augment.resized_crop import ResizedCrop
from ravine.data.audit import Audit
from ravine.data.pack import pack
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.split import Split, folds
from ravine.device.machine import threads, usable_cores
from ravine.moments import Technique
from ravine.plan.facts import Facts
from ravine.plan.plan import HeadChoices, Plan
from ravine.plan.presets import propose
from ravine.transfer.head import FrozenBody

FOLDS = 5
WAYS: dict[str, tuple[str, int, tuple[Technique, ...]]] = {
    "head": ("head", 1, ()),
    "head_flip2": ("head", 2, (Flip(),)),
    "head_crop4": ("head", 4, (ResizedCrop(0.7),)),
    "head_crop_flip4": ("head", 4, (ResizedCrop(0.7), Flip())),
    "head_small_crop_flip4": ("head", 4, (ResizedCrop(0.4), Flip())),
    "depth": ("depth", 1, ()),
    "depth_crop_flip4": ("depth", 4, (ResizedCrop(0.7), Flip())),
}


@dataclass(frozen=True)
class Outcome:
    """Right answers of every picture, its NLL, and the seconds that all of it took."""

    right: NDArray[np.bool_]
    nll: NDArray[np.float64]
    seconds: float


def judged(plan: Plan, audit: Audit) -> Outcome:
    """Every picture by a head that has not seen it."""
    rows, nothing = np.arange(len(audit)), np.zeros(0, np.int64)
    packed = pack(audit, plan.picture)
    began = time.perf_counter()
    frozen = FrozenBody(plan, audit, lambda: packed, Split(rows, nothing, nothing, "", 0))
    z = np.zeros((len(audit), len(audit.classes)), np.float32)
    for fit, held in folds(rows, audit, FOLDS, plan.seed):
        z[held] = frozen.answers(fit, held, plan.seed)
    seconds = time.perf_counter() - began
    return Outcome(z.argmax(1) == audit.labels, -log_softmax(z, 1)[rows, audit.labels], seconds)


def plan_of(way: str, audit: Audit, seed: int) -> Plan:
    """The plan that Ravine proposes, with another transfer and with views."""
    transfer, views, techniques = WAYS[way]
    facts = Facts(len(audit), len(audit.classes), 400, False, False, usable_cores(), "cpu")
    plan, _ = propose(facts, {"transfer": transfer, "seed": seed})
    return replace(plan, head=HeadChoices(views=views), techniques=techniques)


def show_all(found: dict[str, list[Outcome]]) -> None:
    """Means over seeds, and the paired difference to the first row with its standard error over pictures."""
    first = next(iter(found.values()))
    rows: list[list[Cell]] = []
    for way, outcomes in found.items():
        each = np.mean([one.right.astype(float) - base.right for one, base in zip(outcomes, first, strict=True)], 0)
        error = each.std(ddof=1) / np.sqrt(len(each))
        accuracy = [float(one.right.mean()) for one in outcomes]
        nll = [float(one.nll.mean()) for one in outcomes]
        seconds = [one.seconds for one in outcomes]
        rows.append(
            [way, mean(accuracy), f"{100 * each.mean():+.2f} ± {100 * error:.2f}", mean(nll), round(mean(seconds), 1)]
        )
    seeds = len(first)
    show(
        f"Photos, each judged by heads that did not see it, n = {seeds} seeds",
        ("head", "accuracy", "points to the first row", "nll", "s, five fits"),
        rows,
    )


def main() -> None:
    words = parser(__doc__, "0,1,2,3,4")
    words.add_argument("--ways", type=names(WAYS), default=list(WAYS), help=f"with commas; all of {','.join(WAYS)}")
    words.add_argument("--threads", type=int, default=usable_cores(), help="of one computation")
    choices = words.parse_args()
    print(machine())
    found: dict[str, list[Outcome]] = {way: [] for way in choices.ways}
    with tempfile.TemporaryDirectory() as name, threads(choices.threads):
        os.environ["RAVINE_CACHE"] = str(Path(name) / "cache")
        print(f"{copy_to(Path(name) / 'photos')} photos")
        audit = scan(read_source(Path(name) / "photos"))
        for seed in choices.seeds:
            for way in choices.ways:
                found[way].append(judged(plan_of(way, audit, seed), audit))
                last = found[way][-1]
                print(
                    f"seed {seed}, {way}: {last.right.mean():.3f}, nll {last.nll.mean():.3f}, {last.seconds:.1f} s",
                    flush=True,
                )
    show_all(found)


if __name__ == "__main__":
    main()
