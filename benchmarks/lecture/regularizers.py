"""The gap between training and test accuracy, with and without each regularizer: 500 pictures, until they are learnt.

Members of all rows have the same seeds, hence the same pictures, and start from the same weights where the technique
leaves the network's parameters as they are. Strengths are those that the docstrings suggest, not tuned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.lecture.demo import SEEDS, scratch
from benchmarks.lecture.intervals import difference, interval
from benchmarks.lecture.pictures import said, worth
from benchmarks.table import Cell, show
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.models.mlp import MLP
from ravine.train.evaluate import logits, packed

PICTURES = 500
FEW = 1_000
"""Test pictures of convolution networks, which take their time; others are judged on all 10,000."""
SETTING: dict[str, Any] = {
    "schedule": "constant",
    "penalty": "none",
    "refit": False,
    "members": SEEDS,
    "compiled": False,
}
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "mlp": (
        {"model": "mlp", "model.width": 64, "model.depth": 2, "optimizer.lr": 0.02, "epochs": 40},
        {
            "none": {},
            "l2, 0.01": {"penalty": "l2", "penalty.strength": 0.01},
            "dropout 0.5, inverted": {"dropout.p": 0.5, "dropout.where": "both"},
            "dropout 0.5, plain": {"dropout.p": 0.5, "dropout.where": "both", "dropout.mode": "plain"},
            "dropconnect 0.5": {"dropconnect": 0.5},
            "batch_norm": {"batch_norm": "on"},
            "label_smoothing 0.1": {"label_smoothing": 0.1},
            "max_norm 1": {"max_norm": 1.0},
            "early_stopping": {"early_stopping.patience": 5},
            "flip": {"flip": True},
            "crop, 2 pixels": {"crop.share": 0.07},
            "cutout": {"cutout": 0.3},
            "mixup 0.2": {"mixup": 0.2},
        },
    ),
    "small_cnn": (
        {"model": "small_cnn", "model.width": 8, "optimizer.lr": 0.02, "epochs": 20},
        {
            "none, batch norm is part of it": {},
            "batch_norm off": {"batch_norm": "off"},
            "fractional_pool": {"fractional_pool": True},
        },
    ),
    "residual": (
        {"model": "residual", "model.width": 4, "model.blocks": 2, "optimizer.lr": 0.02, "epochs": 12},
        {"none, batch norm is part of it": {}, "stochastic_depth 0.3": {"stochastic_depth": 0.3}},
    ),
}


@dataclass(frozen=True)
class Fits:
    """Accuracies and test negative log-likelihood, one a seed."""

    train: NDArray[np.float64]
    test: NDArray[np.float64]
    nll: NDArray[np.float64]


def some(source: Scratch) -> NDArray[np.int64]:
    """500 of the training pictures, evenly spread."""
    return source.split.train[np.linspace(0, len(source.split.train) - 1, PICTURES).astype(np.int64)]


def trained(settings: Mapping[str, Any]) -> tuple[Scratch, list[nn.Module]]:
    """Five members on 500 pictures, as they answer; the same settings are trained once."""
    return _trained(tuple(sorted(settings.items())))


@cache
def _trained(settings: tuple[tuple[str, Any], ...]) -> tuple[Scratch, list[nn.Module]]:
    source = scratch({**SETTING, **dict(settings)})
    population = source.train(some(source), range(SEEDS), "choose", Stages()).population
    return source, [network.eval() for network in population.answering()]


def fits(settings: Mapping[str, Any]) -> Fits:
    """Train five members and judge them on their own pictures and on test pictures."""
    source, networks = trained(settings)
    rows, picture = some(source), source.plan.picture
    images, labels = torch.as_tensor(source.pack.images), source.pack.labels[rows]
    own = [float((logits(network, packed(images, rows, picture)).argmax(1) == labels).mean()) for network in networks]
    count = 10_000 if isinstance(source.plan.model, MLP) else FEW
    far = [worth(said(network, picture, count)) for network in networks]
    return Fits(np.array(own), np.array([one.accuracy for one in far]), np.array([one.nll for one in far]))


def main() -> None:
    """A table a network."""
    for name, (network, techniques) in NETWORKS.items():
        found = {technique: fits(network | settings) for technique, settings in techniques.items()}
        base = next(iter(found.values()))
        rows: list[list[Cell]] = [
            [
                technique,
                f"{one.train.mean():.3f}",
                interval(one.test),
                interval(one.train - one.test),
                interval(one.nll),
                "" if one is base else difference(one.test, base.test),
                "" if one is base else difference(one.nll, base.nll),
            ]
            for technique, one in found.items()
        ]
        heads = ("regularizer", "train accuracy", "test accuracy", "gap", "test NLL", "accuracy, gain", "NLL, gain")
        show(f"{name} on {PICTURES} pictures, {network['epochs']} epochs, {SEEDS} seeds", heads, rows)
