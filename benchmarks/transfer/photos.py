"""257 photos at 224 pixels: seconds of a process, and accuracy against scikit-learn's on the same features and splits.

Nothing is kept from an earlier run: pictures are decoded, packed and passed through the body within the time. The peer
is LogisticRegressionCV on standardized features, its penalty chosen by five-fold cross-validation among eleven; it is
given Ravine's features of the same pictures, and Ravine's split, so that only the heads differ.
"""

import csv
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import ravine
from benchmarks.data.photos import copy_to
from benchmarks.journal import Journal
from benchmarks.process import Fit, fit
from benchmarks.table import Cell, mean, show
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.models.backbone import Backbone
from ravine.train.evaluate import direct, logits

WAYS = {"head": ("--set", "transfer=head"), "auto": ("--set", "transfer=auto", "--budget", "90s")}
GOALS = {"head": 20, "auto": 90}
STRENGTHS = np.logspace(-5, 0, 11)


def main(seeds: Sequence[int], journal: Journal, folder: Path) -> None:
    """Run what is not on record, and show."""
    rows: list[list[Cell]] = []
    columns: dict[str, list[float]] = {}
    for seed in seeds:
        found = {
            way: journal.result({"part": "photos", "way": way, "seed": seed}, _run(folder, way, seed)) for way in WAYS
        }
        head, auto = found["head"], found["auto"]
        numbers = {
            "head: s": head["seconds"],
            "head: accuracy": head["accuracy"],
            "LogisticRegressionCV": head["scikit_learn"],
            "auto: s": auto["seconds"],
            "auto: accuracy": auto["accuracy"],
        }
        for name, value in numbers.items():
            columns.setdefault(name, []).append(value)
        rows.append([str(seed), *(round(value, 3) for value in numbers.values()), str(auto["chosen"])])
    rows.append(["mean", *(mean(values) for values in columns.values()), ""])
    show(f"257 photos at 224 pixels, n = {len(seeds)} seeds, nothing kept", ("seed", *columns, "auto chose"), rows)
    for way, goal in GOALS.items():
        print(f"{way}: longest {max(columns[f'{way}: s']):.1f} s (goal: under {goal} s)")
    gains = np.array(columns["head: accuracy"]) - np.array(columns["LogisticRegressionCV"])
    error = gains.std(ddof=1) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
    print(f"head minus scikit-learn: {100 * gains.mean():+.2f} ± {100 * error:.2f} points (mean, standard error)")


def _run(folder: Path, way: str, seed: int) -> Any:
    def run() -> dict[str, Any]:
        pictures = folder / "photos"
        if not pictures.is_dir():
            copy_to(pictures)
        done = fit(pictures, folder / f"photos-{way}-{seed}", "--seed", str(seed), *WAYS[way])
        found = {"seconds": done.wall_seconds, "accuracy": done.accuracy, "tested": done.tested, "parts": done.seconds}
        if way == "head":
            return {**found, "scikit_learn": scikit_learn(pictures, done, seed)}
        return {**found, "chosen": (done.summary.get("transfer") or {}).get("chosen")}

    return run


def scikit_learn(pictures: Path, done: Fit, seed: int) -> float:
    """Test accuracy of the peer on the features and the split of a run."""
    x, names, labels = _features(pictures, done)
    with (done.folder / "split.csv").open(encoding="utf-8", newline="") as file:
        parts = {row["name"]: row["part"] for row in csv.DictReader(file)}
    test = np.array([parts[name] == "test" for name in names])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    began = time.perf_counter()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", FutureWarning)
        head = LogisticRegressionCV(Cs=STRENGTHS, cv=folds, scoring="neg_log_loss", max_iter=1_000)
        model = make_pipeline(StandardScaler(), head).fit(x[~test], labels[~test])
    print(f"scikit-learn {time.perf_counter() - began:.1f} s,", end=" ", flush=True)
    return float((model.predict(x[test]) == labels[test]).mean())


def _features(pictures: Path, done: Fit) -> tuple[NDArray[np.float32], tuple[str, ...], NDArray[np.int64]]:
    """The last features of all pictures, as `ravine fit` computes them."""
    audit = scan(read_source(pictures))
    picture = ravine.load(done.folder / "model.ravine").picture
    everyone = np.arange(len(audit))
    return logits(Backbone().load_pretrained(), direct(audit.pixels, everyone, picture)), audit.names, audit.labels
