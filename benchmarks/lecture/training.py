"""Decay and optimizers on the built-in pictures: five seeds each, the same network, the same number of steps.

The five members share the split and differ in initialisation and order; intervals are over these seeds alone.
"""

from typing import Any

from benchmarks.lecture.demo import SEEDS, accuracies
from benchmarks.lecture.intervals import interval
from benchmarks.table import Cell, show

NETWORK: dict[str, Any] = {
    "model": "mlp",
    "model.width": 64,
    "epochs": 10,
    "penalty.strength": 1e-4,
    "split.validation": 0.15,
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {"schedule": "constant"},
    "step": {"schedule": "step"},
    "exponential": {"schedule": "exponential"},
    "inverse_time": {"schedule": "inverse_time"},
    "cosine": {"schedule": "cosine"},
    "one_cycle": {"schedule": "one_cycle"},
}
RATES = {
    "sgd": (0.01, 0.03, 0.1, 0.3),
    "momentum": (0.003, 0.01, 0.03, 0.1),
    "nesterov": (0.003, 0.01, 0.03, 0.1),
    "adagrad": (0.003, 0.01, 0.03, 0.1),
    "rmsprop": (0.0001, 0.0003, 0.001, 0.003),
    "adam": (0.0003, 0.001, 0.003, 0.01),
    "adamw": (0.0003, 0.001, 0.003, 0.01),
    "nadam": (0.0003, 0.001, 0.003, 0.01),
    "lion": (0.0001, 0.0003, 0.001, 0.003),
    "muon": (0.003, 0.01, 0.03, 0.1),
    "schedule_free": (0.001, 0.003, 0.01, 0.03),
}


def decay() -> None:
    """Nesterov at one rate under six schedules."""
    rows: list[list[Cell]] = []
    for name, schedule in SCHEDULES.items():
        settings = NETWORK | {"optimizer": "nesterov", "optimizer.lr": 0.05} | schedule
        rows.append([name, interval(accuracies(settings, "test"))])
    show(f"Decay: nesterov, lr 0.05, 10 epochs, {SEEDS} seeds", ("schedule", "accuracy on 500 test pictures"), rows)


def optimizers() -> None:
    """Every rule at the best of four rates, chosen on validation pictures, judged on test pictures."""
    rows: list[list[Cell]] = []
    for name, rates in RATES.items():
        plans = {rate: NETWORK | {"optimizer": name, "optimizer.lr": rate, "schedule": "constant"} for rate in rates}
        chosen = {rate: accuracies(plan, "validation").mean() for rate, plan in plans.items()}
        best = max(chosen, key=lambda rate: chosen[rate])
        spread = f"{min(chosen.values()):.3f} to {max(chosen.values()):.3f}"
        rows.append([name, f"{best:g}", spread, interval(accuracies(plans[best], "test"))])
    heads = ("optimizer", "best lr", "validation accuracy over the four rates", "accuracy on 500 test pictures")
    show(f"Optimizers: constant rate, 10 epochs, {SEEDS} seeds", heads, rows)


def main() -> None:
    """Both."""
    decay()
    optimizers()
