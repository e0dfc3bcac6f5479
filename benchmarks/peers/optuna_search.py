"""A search by Optuna around a plain PyTorch loop: `python optuna_search.py DATA.npz CONFIGURATIONS.json`.

Needs optuna, torch and numpy. The loop is that of tuned_pytorch.py, with dropout before the linear layer. The given
configurations are put into the queue, so that all searches are over the same ones. After each epoch a trial reports its
negative log-likelihood on the validation pictures, and the pruner may end it: SuccessiveHalvingPruner is ASHA. The
weights of the best trial so far are kept. One JSON line at the end.
"""

import argparse
import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np
import optuna
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tuned_pytorch import Loop, accuracy, batches, network, pixels

BATCH, RISE = 32, 0.2
PRUNERS = {
    "asha": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=4),
    "none": optuna.pruners.NopPruner,
}
WIDTH = 32
NETWORKS = {
    "small_cnn": lambda side: network(side=side),
    "mlp": lambda side: nn.Sequential(nn.Flatten(), nn.Linear(side**2, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10)),
}


@dataclass
class Search:
    """What a trial does.

    Attributes:
        data: Pictures uint8 [M, 1, H, W] and labels by part: train, validation, test.
        epochs: Of a trial that is not ended.
        model: Which network.
        trained: The epochs of all trials together.
        best: Negative log-likelihood of the best trial that came to its end, and its network.
    """

    data: dict[str, tuple[Tensor, Tensor]]
    epochs: int
    model: str
    trained: int = 0
    best: tuple[float, nn.Module | None] = (float("inf"), None)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, trial: optuna.Trial) -> float:
        """Train, report and keep."""
        rate = trial.suggest_float("rate", 1e-6, 10)
        momentum = trial.suggest_float("momentum", 0, 1)
        decay = trial.suggest_float("decay", 0, 1)
        dropped = trial.suggest_float("dropout", 0, 1)
        torch.manual_seed(trial.number)
        x, y = self.data["train"]
        model = NETWORKS[self.model](x.shape[-1])
        model.insert(len(model) - 1, nn.Dropout(dropped))
        steps = self.epochs * len(batches(len(y), BATCH))
        loop = Loop(model, x, y, steps, rate, momentum, decay, RISE)
        value = float("inf")
        for epoch in range(1, self.epochs + 1):
            loop.model.train()
            for rows in batches(len(y), BATCH):
                loop.step(rows)
            value = nll(loop.model, *self.data["validation"])
            with self._lock:
                self.trained += 1
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        with self._lock:
            if value < self.best[0]:
                self.best = value, copy.deepcopy(loop.model)
        return value


@torch.inference_mode()
def nll(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Mean negative log-likelihood."""
    model.eval()
    return float(cross_entropy(model(pixels(x)), y))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("configurations")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--model", choices=tuple(NETWORKS), default="small_cnn")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="of one job")
    parser.add_argument("--pruner", choices=tuple(PRUNERS), default="asha")
    choices = parser.parse_args()
    torch.set_num_threads(choices.threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with np.load(choices.data) as file:
        x, y = torch.from_numpy(file["x"]).unsqueeze(1), torch.from_numpy(file["y"].astype(np.int64))
        parts = {name: torch.from_numpy(file["split"] == name) for name in ("train", "validation", "test")}
    search = Search({name: (x[rows], y[rows]) for name, rows in parts.items()}, choices.epochs, choices.model)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0), pruner=PRUNERS[choices.pruner]())
    configurations = json.loads(Path(choices.configurations).read_text(encoding="utf-8"))
    for configuration in configurations:
        study.enqueue_trial(configuration)
    study.optimize(search, n_trials=len(configurations), n_jobs=choices.jobs)
    value, model = search.best
    if model is None:
        raise SystemExit("No trial came to its end.")
    found = {
        "nll": value,
        "validation_accuracy": accuracy(model, *search.data["validation"]),
        "accuracy": accuracy(model, *search.data["test"]),
        "epochs": search.trained,
        "chosen": study.best_trial.number,
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
