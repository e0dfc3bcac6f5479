"""A search by Optuna around a PyTorch loop: `python optuna_search.py DATA.npz CONFIGURATIONS.json`.

Needs optuna, torch and numpy. The trials are those of search_loop.py. The given configurations are put into the
queue, so that all searches are over the same ones. After each epoch a trial reports its negative log-likelihood on
the validation pictures, and the pruner may end it: SuccessiveHalvingPruner is ASHA, from the first epoch on, with its
usual share of 1 in 4. The weights of the best trial so far are kept. Jobs are threads; processes share the study by a
journal file, as Optuna's documentation has it. One JSON line at the end, whose `seconds` are those of the search
without imports.
"""

import argparse
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from typing import Any

import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from search_loop import MODELS, Course, Parts, accuracy, parts_of
from torch import nn
from tuned_pytorch import keep_memory

NAME = "search"
RANGES = {"rate": (1e-6, 10), "momentum": (0, 1), "decay": (0, 1), "dropout": (0, 1)}
PRUNERS = {
    "asha": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=4),
    "none": optuna.pruners.NopPruner,
}


@dataclass(frozen=True)
class Best:
    """A trial that came to its end."""

    nll: float
    trial: int
    model: nn.Module


@dataclass
class Search:
    """What is done with a trial.

    Attributes:
        course: How it is trained.
        parts: The pictures.
        count: How many trials there are; what a sampler makes up beyond them is none.
        trained: The epochs of all trials together.
        best: The best trial so far.
    """

    course: Course
    parts: Parts
    count: int
    trained: int = 0
    best: Best | None = None
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, trial: optuna.Trial) -> float:
        """Train, report and keep."""
        chosen = {name: trial.suggest_float(name, *limits) for name, limits in RANGES.items()}
        if trial.number >= self.count:
            raise optuna.TrialPruned
        last: Best | None = None
        for epoch, (nll, model) in enumerate(self.course.train(trial.number, chosen, self.parts), 1):
            last = Best(nll, trial.number, model)
            with self._lock:
                self.trained += 1
            trial.report(nll, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        with self._lock:
            if last and (self.best is None or last.nll < self.best.nll):
                self.best = last
        return last.nll if last else float("inf")

    def found(self) -> dict[str, Any]:
        """What it came to, for JSON."""
        if self.best is None:
            return {"nll": float("inf"), "epochs": self.trained}
        shares = {part: accuracy(self.best.model, *self.parts[part]) for part in ("validation", "test")}
        return {"nll": self.best.nll, "chosen": self.best.trial, "epochs": self.trained, **shares}


def configurations(choices: argparse.Namespace) -> list[dict[str, float]]:
    """The given ones."""
    return json.loads(Path(choices.configurations).read_text(encoding="utf-8"))


def study_of(choices: argparse.Namespace, journal: str | None) -> optuna.Study:
    """A study in memory, or the one that several processes share by a file."""
    storage = JournalStorage(JournalFileBackend(journal)) if journal else None
    sampler, pruner = optuna.samplers.RandomSampler(choices.seed), PRUNERS[choices.pruner]()
    return optuna.create_study(
        storage=storage, sampler=sampler, pruner=pruner, study_name=NAME, load_if_exists=journal is not None
    )


def work(choices: argparse.Namespace, study: optuna.Study) -> dict[str, Any]:
    """Take trials from the queue until it is empty."""
    torch.set_num_threads(choices.threads)
    course = Course(choices.model, choices.width, choices.epochs, choices.seed, choices.plain)
    search = Search(course, parts_of(choices.data), len(configurations(choices)))
    study.optimize(search, n_jobs=choices.jobs, callbacks=[_stop_when_none_waits])
    return search.found()


def _stop_when_none_waits(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    del trial
    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.stop()


def work_elsewhere(choices: argparse.Namespace, journal: str) -> dict[str, Any]:
    """The same in a process of its own."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return work(choices, study_of(choices, journal))


def run(choices: argparse.Namespace, journal: str | None) -> dict[str, Any]:
    """The whole search, in one process or in several."""
    study = study_of(choices, journal)
    for configuration in configurations(choices):
        study.enqueue_trial(configuration)
    if journal is None:
        return work(choices, study)
    others = choices.processes - 1
    with ProcessPoolExecutor(others, get_context("spawn")) as pool:
        running = [pool.submit(work_elsewhere, choices, journal) for _ in range(others)]
        found = [work(choices, study), *[one.result() for one in running]]
    return {**min(found, key=lambda one: one["nll"]), "epochs": sum(one["epochs"] for one in found)}


def main() -> None:
    keep_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("configurations")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--model", choices=MODELS, default="small_cnn")
    parser.add_argument("--width", type=int, default=32, help="hidden units of an mlp")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="the plain loop; see search_loop.py")
    parser.add_argument("--jobs", type=int, default=1, help="threads with a trial each")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="of torch, for one trial")
    parser.add_argument("--pruner", choices=tuple(PRUNERS), default="asha")
    choices = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = run(choices, str(Path(folder) / "journal.log") if choices.processes > 1 else None)
    if "chosen" not in found:
        raise SystemExit("No trial came to its end.")
    print(json.dumps({**found, "seconds": round(time.perf_counter() - began, 3)}), flush=True)


if __name__ == "__main__":
    main()
