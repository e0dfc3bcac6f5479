"""All 60,000 pictures of Fashion-MNIST: the preset, and the time to 0.91 test accuracy against a plain PyTorch script.

    python -m benchmarks.fashion_mnist             seed 0
    python -m benchmarks.fashion_mnist --seeds 0,1,2
    python -m benchmarks.fashion_mnist --quick     6,000 training pictures and an easy target: does it run at all?

Ravine and the peer (peers/plain_pytorch.py) run one after the other, each in its own process, with the same threads.

The peer's rate is constant, so it passes through every length of training: its time is that of the first epoch after
which the test accuracy is at the target. The rate of Ravine's preset rises and falls once and ends near zero, so that
accuracy comes at the end, and each length is a training of its own: its time is that of the shortest training, in
whole epochs from --shortest, that ends at the target. Shorter ones that miss it are listed, and not counted. Both are
stopped by the same test pictures. The peer's time is its training alone; Ravine's contains compiling, and validation
after each epoch. Neither contains reading the file, starting Python, or the test.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.data.fashion_mnist import TEST_PICTURES, TRAINING_PICTURES, write_npz
from benchmarks.machine import machine
from benchmarks.options import parser
from benchmarks.process import Fit, fit, peer
from benchmarks.table import Cell, median, show
from ravine.device.machine import usable_cores

GOAL_SECONDS, GOAL_ACCURACY, GOAL_RATIO = 150, 0.92, 3.0
QUICK = {"pictures": 6_000, "target": 0.8, "longest": 3}


def preset(data: Path, seeds: list[int], folder: Path) -> None:
    """What `ravine fit` does when nothing is set."""
    runs = [fit(data, folder / f"preset-{seed}", "--seed", str(seed)) for seed in seeds]
    rows: list[list[Cell]] = [[str(seed), *_row(run)] for seed, run in zip(seeds, runs, strict=True)]
    trains, accuracies = [run.seconds["train"] for run in runs], [run.accuracy for run in runs]
    heads = ("seed", "s, training", "s, fit", "s, process", f"accuracy, {runs[0].tested:,} test")
    show(f"Preset, n = {len(seeds)}", heads, rows)
    print(
        f"\nMedian training {median(trains)} s (goal: under {GOAL_SECONDS} s), "
        f"lowest accuracy {min(accuracies):.4f} (goal: {GOAL_ACCURACY})"
    )


def shortest(data: Path, seed: int, folder: Path, choices: argparse.Namespace) -> tuple[list[list[Cell]], float | None]:
    """Trainings of growing length until one ends at the target: their rows, and the seconds of the last."""
    rows: list[list[Cell]] = []
    for epochs in range(choices.shortest, choices.longest + 1):
        run = fit(data, folder / f"short-{seed}-{epochs}", "--seed", str(seed), "--epochs", str(epochs))
        rows.append(_trained("ravine", seed, epochs, run.seconds["train"], run.accuracy, choices.target))
        if run.accuracy >= choices.target:
            return rows, run.seconds["train"]
    return rows, None


def plain(data: Path, seed: int, choices: argparse.Namespace) -> tuple[list[list[Cell]], float | None]:
    """The peer's epochs until one reaches the target: their rows, and its seconds up to there."""
    limits = ("--epochs", str(choices.longest), "--target", str(choices.target), "--threads", str(usable_cores()))
    epochs, _ = peer("plain_pytorch.py", str(data), "--seed", str(seed), *limits)
    rows = [
        _trained("plain PyTorch", seed, one["epoch"], one["seconds"], one["accuracy"], choices.target) for one in epochs
    ]
    last = epochs[-1]
    return rows, last["seconds"] if last["accuracy"] >= choices.target else None


def race(data: Path, folder: Path, choices: argparse.Namespace) -> None:
    """Both, seed by seed."""
    rows: list[list[Cell]] = []
    summary: list[list[Cell]] = []
    ratios: list[float] = []
    for seed in choices.seeds:
        own_rows, own = shortest(data, seed, folder, choices)
        peer_rows, other = plain(data, seed, choices)
        rows += own_rows + peer_rows
        if own and other:
            ratios.append(other / own)
            summary.append([str(seed), round(own, 1), round(other, 1), round(other / own, 2)])
    show("Each training (ravine: one a row; plain PyTorch: one, after each epoch)", _HEADS, rows)
    if ratios:
        title = f"Seconds of training to {choices.target} test accuracy, n = {len(ratios)}"
        show(title, ("seed", "ravine", "plain PyTorch", "times sooner"), summary)
        print(f"\nMedian: {median(ratios, 2)} times sooner (goal: {GOAL_RATIO})")
    if len(ratios) < len(choices.seeds):
        print(
            f"\n{len(choices.seeds) - len(ratios)} seed(s) did not reach {choices.target} in {choices.longest} epochs."
        )


_HEADS = ("what", "seed", "epochs", "s, training", "test accuracy", "target")


def _row(run: Fit) -> list[Cell]:
    return [
        round(run.seconds["train"], 1),
        round(run.seconds["total"], 1),
        round(run.wall_seconds, 1),
        round(run.accuracy, 4),
    ]


def _trained(what: str, seed: int, epochs: int, seconds: float, accuracy: float, target: float) -> list[Cell]:
    reached = "reached" if accuracy >= target else "no"
    return [what, str(seed), epochs, round(seconds, 1), round(accuracy, 4), reached]


def main() -> None:
    words = parser(__doc__, "0")
    words.add_argument("--target", type=float, default=0.91, help="test accuracy of the race")
    words.add_argument("--shortest", type=int, default=1, help="epochs of the first training of the race")
    words.add_argument("--longest", type=int, default=12, help="epochs after which either gives up")
    words.add_argument("--pictures", type=int, default=TRAINING_PICTURES, help="training pictures, from the first")
    words.add_argument("--only", choices=("preset", "race"), help="one of the two tables")
    words.add_argument(
        "--quick", action="store_true", help=", ".join(f"{name} {value}" for name, value in QUICK.items())
    )
    choices = words.parse_args()
    if choices.quick:
        vars(choices).update(QUICK)
    print(machine())
    print(f"{choices.pictures:,} training and {TEST_PICTURES:,} test pictures, {usable_cores()} threads")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "fashion-mnist.npz"
        write_npz(data, choices.pictures)
        if choices.only != "race":
            preset(data, choices.seeds, folder)
        if choices.only != "preset":
            race(data, folder, choices)


if __name__ == "__main__":
    main()
