"""64 configurations on the embedded demo: Ravine with rungs against Optuna around a plain PyTorch loop.

    python -m benchmarks.search                  Ravine with rungs, Optuna with ASHA in one job and in two, and what
                                                 every configuration comes to with all its epochs
    python -m benchmarks.search --no-full        without the last, which takes longest
    python -m benchmarks.search --model mlp      networks so small that members side by side pay on a CPU
    python -m benchmarks.search --quick          8 configurations, 4 epochs: does it run at all?

The configurations are one random draw of rate, momentum, penalty and dropout, the same for everyone, and so are
network, schedule, batches of 32, epochs and split: 1,700 pictures to train on, 300 to choose by negative
log-likelihood. Nothing is augmented, and no choice is fitted again. Each search is a process of its own, timed from its
start to its end, start of Python and packing included; it uses all cores. What was chosen is then judged on Fashion-
MNIST's own 10,000 test pictures, outside of the times for Ravine, within them for Optuna (about a second).

The distance is to the choice among all configurations after all their epochs (a training of Ravine without rungs), in
percentage points of accuracy on the 10,000. Optuna without a pruner is shown as well, since that is what a search costs
where no one thinks of ending trials; the goal does not ask about it.

Optuna is no dependency of Ravine. Its environment is made beside those of the other peers, if it is not there: `pip
install optuna`, with torch and numpy of this one.
"""

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data.fashion_mnist import read
from benchmarks.demo import accuracy
from benchmarks.machine import machine
from benchmarks.peers.environments import cache
from benchmarks.process import fit, peer
from benchmarks.table import Cell, show
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.split import SplitChoices, split
from ravine.device.machine import usable_cores

SETTINGS = {
    "rate": "optimizer.lr",
    "momentum": "optimizer.momentum",
    "decay": "penalty.strength",
    "dropout": "dropout.p",
}
MODELS = {"small_cnn": {}, "mlp": {"model": "mlp", "model.width": 32, "model.depth": 1}}
RUNGS = "[{epoch = 1, keep = 16}, {epoch = 4, keep = 4}]"
GOAL_POINTS, GOAL_SHARE = 0.3, 0.2
QUICK = {"members": 8, "epochs": 4, "rungs": "[{epoch = 1, keep = 2}]"}

Configuration = dict[str, float]


def drawn(count: int) -> list[Configuration]:
    """Random configurations, the same each time.

    Rate in 0.003 … 0.5, 1 − momentum in 0.02 … 0.3 and penalty in 0.0001 … 0.05 are uniform in their logarithms,
    dropout in 0 … 0.6.

    Args:
        count: How many configurations.
    """
    generator = np.random.default_rng(0)
    rate, friction, decay = (
        np.exp(generator.uniform(np.log(low), np.log(high), count)).round(6)
        for low, high in ((0.003, 0.5), (0.02, 0.3), (1e-4, 0.05))
    )
    columns = {
        "rate": rate,
        "momentum": (1 - friction).round(6),
        "decay": decay,
        "dropout": generator.uniform(0, 0.6, count).round(4),
    }
    return [{name: float(column[place]) for name, column in columns.items()} for place in range(count)]


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        name: For the table.
        seconds: Of its process.
        epochs: Of all configurations together.
        chosen: The number of the configuration, from 1.
        validation: Accuracy of the choice on the validation pictures.
        test: On the 10,000 test pictures.
    """

    name: str
    seconds: float
    epochs: int
    chosen: int
    validation: float
    test: float


def ravine_search(
    name: str, out: Path, tried: list[Configuration], choices: argparse.Namespace, rungs: str | None
) -> Found:
    """`ravine fit demo` with one member a configuration."""
    options = ["--members", str(len(tried)), "--epochs", str(choices.epochs)]
    settings = {setting: [one[key] for one in tried] for key, setting in SETTINGS.items()}
    settings |= MODELS[choices.model]
    settings |= {"refit": "false", "flip": "false", "crop": "false"} | ({"rungs": rungs} if rungs else {})
    for setting, value in settings.items():
        options += ["--set", f"{setting}={value}"]
    run = fit("demo", out, *options)
    epochs = len((out / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    candidates = run.summary["candidates"]
    chosen = next(place for place, one in enumerate(candidates, 1) if one["chosen"])
    print(f"{name}: {json.dumps(run.seconds)}", flush=True)
    validation = run.summary["validation"]["accuracy"]
    return Found(name, run.wall_seconds, epochs, chosen, validation, accuracy(out / "model.ravine", *read("t10k")))


def optuna_search(
    name: str, python: str, data: Path, tried: Path, choices: argparse.Namespace, jobs: int, pruner: str = "asha"
) -> Found:
    """The peer, whose jobs share the cores."""
    options = ("--model", choices.model, "--epochs", str(choices.epochs), "--jobs", str(jobs), "--pruner", pruner)
    threads = ("--threads", str(max(1, usable_cores() // jobs)))
    lines, seconds = peer("optuna_search.py", str(data), str(tried), *options, *threads, python=python)
    said = lines[-1]
    return Found(name, seconds, said["epochs"], said["chosen"] + 1, said["validation_accuracy"], said["accuracy"])


def write_data(path: Path) -> None:
    """The demo as Ravine divides it, for the peer, with the 10,000 for its test."""
    audit = scan(read_source("demo"))
    parts = split(audit, SplitChoices(), 0)
    rows = np.concatenate([parts.train, parts.validation])
    x_test, y_test = read("t10k")
    x = np.stack([audit.pixels(int(row))[:, :, 0] for row in rows])
    names = ["train"] * len(parts.train) + ["validation"] * len(parts.validation) + ["test"] * len(x_test)
    y = np.concatenate([audit.labels[rows], y_test])
    np.savez(path, x=np.concatenate([x, x_test]), y=y, split=np.array(names))


def environment(folder: Path) -> str:
    """The interpreter of an environment with Optuna, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        own = subprocess.run([str(python), "-c", where], check=True, capture_output=True, text=True).stdout.strip()
        (Path(own) / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "optuna"], check=True)
    return str(python)


def searches(folder: Path, choices: argparse.Namespace) -> Iterator[Found]:
    """All of them, one after another."""
    tried, data, listed = drawn(choices.members), folder / "demo.npz", folder / "configurations.json"
    write_data(data)
    listed.write_text(json.dumps(tried), encoding="utf-8")
    python = environment(cache() / "optuna")
    yield ravine_search("Ravine, rungs", folder / "rungs", tried, choices, choices.rungs)
    for jobs in (1, 2):
        yield optuna_search(f"Optuna, ASHA, n_jobs={jobs}", python, data, listed, choices, jobs)
    if choices.full:
        yield ravine_search("Ravine, no rungs", folder / "full", tried, choices, None)
        yield optuna_search("Optuna, no pruner", python, data, listed, choices, 1, "none")


def report(found: list[Found], full: bool) -> None:
    best = next((one.test for one in found if one.name == "Ravine, no rungs"), None) if full else None
    rows: list[list[Cell]] = []
    for one in found:
        apart = "" if best is None else f"{100 * (best - one.test):+.2f}"
        accuracies = round(one.validation, 4), round(one.test, 4)
        rows.append([one.name, round(one.seconds, 1), one.epochs, one.chosen, *accuracies, apart])
    heads = (
        "search",
        "s, process",
        "epochs of all",
        "chosen",
        "validation accuracy",
        "10,000 test",
        "points behind full",
    )
    show("One search each", heads, rows)
    own, others = found[0], found[1:3]
    fastest = min(others, key=lambda one: one.seconds)
    print(f"\nRavine took {own.seconds / fastest.seconds:.2f} of the time of {fastest.name} (goal {GOAL_SHARE}).")
    if best is not None:
        print(f"It is {100 * (best - own.test):.2f} points behind the full search (goal: at most {GOAL_POINTS}).")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--members", type=int, default=64, help="configurations")
    words.add_argument("--epochs", type=int, default=20, help="of those that are not ended; 20 is the preset's number")
    words.add_argument("--model", choices=tuple(MODELS), default="small_cnn", help="the network of everyone")
    words.add_argument("--rungs", default=RUNGS, help="of Ravine")
    words.add_argument("--no-full", dest="full", action="store_false", help="without searches that end no one")
    words.add_argument(
        "--quick", action="store_true", help=", ".join(f"{name} {value}" for name, value in QUICK.items())
    )
    choices = words.parse_args()
    if choices.quick:
        vars(choices).update(QUICK)
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        found: list[Found] = []
        for one in searches(Path(name), choices):
            print(one, flush=True)
            found.append(one)
        report(found, choices.full)


if __name__ == "__main__":
    main()
