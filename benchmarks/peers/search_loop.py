"""What one trial of a search does, in PyTorch; optuna_search.py and ray_search.py put a search around it.

There are two loops, with dropout before the last layer in both. The tuned one is that of tuned_pytorch.py: pictures are
normalised once and stay in memory as numbers, so that a step picks its batch by one index. The plain one is as
PyTorch's tutorials write it: a shuffled DataLoader over a TensorDataset of these numbers, torch.optim.SGD, OneCycleLR.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset
from tuned_pytorch import Loop, batches, network, pixels

BATCH, RISE = 32, 0.2
MODELS = ("small_cnn", "mlp")

Parts = dict[str, tuple[Tensor, Tensor]]
"""Numbers [M, 1, H, W] and labels int64 [M] of the pictures to train on, for validation and for the test."""


def parts_of(path: str) -> Parts:
    """Read a file with pictures `x`, labels `y` and the part of each, `split`."""
    with np.load(path) as file:
        x, y = torch.from_numpy(file["x"]).unsqueeze(1), torch.from_numpy(file["y"].astype(np.int64))
        rows = {name: torch.from_numpy(file["split"] == name) for name in ("train", "validation", "test")}
    return {name: (pixels(x[own]), y[own]) for name, own in rows.items()}


@dataclass(frozen=True)
class Course:
    """What all trials have in common.

    Attributes:
        model: Which network: small_cnn, or mlp with one hidden layer.
        width: Its hidden units.
        epochs: Of a trial that is not ended.
        seed: Decides weights, orders and masks, together with the number of a trial.
        plain: Whether the loop is the plain one.
    """

    model: str
    width: int
    epochs: int
    seed: int
    plain: bool = False

    def network(self, side: int) -> nn.Sequential:
        """For grey pictures of this side."""
        if self.model == "small_cnn":
            return network(side=side)
        return nn.Sequential(nn.Flatten(), nn.Linear(side**2, self.width), nn.ReLU(), nn.Linear(self.width, 10))

    def train(self, trial: int, chosen: Mapping[str, float], parts: Parts) -> Iterator[tuple[float, nn.Module]]:
        """Train, and give after each epoch what the network is worth on the validation pictures, and the network.

        Args:
            trial: The number of the trial.
            chosen: Its rate, momentum, decay and dropout.
            parts: The pictures.
        """
        torch.manual_seed(1000 * self.seed + trial)
        x, y = parts["train"]
        model = self.network(x.shape[-1])
        model.insert(len(model) - 1, nn.Dropout(chosen["dropout"]))
        for _ in self._plain(model, chosen, x, y) if self.plain else self._tuned(model, chosen, x, y):
            yield nll(model, *parts["validation"]), model

    def _tuned(self, model: nn.Module, chosen: Mapping[str, float], x: Tensor, y: Tensor) -> Iterator[None]:
        """Stops after each epoch."""
        steps = self.epochs * len(batches(len(y), BATCH))
        numbers = chosen["rate"], chosen["momentum"], chosen["decay"], RISE
        loop = Loop(model, x, y, steps, *numbers, read=lambda picked: picked)
        for _ in range(self.epochs):
            model.train()
            for rows in batches(len(y), BATCH):
                loop.step(rows)
            yield

    def _plain(self, model: nn.Module, chosen: Mapping[str, float], x: Tensor, y: Tensor) -> Iterator[None]:
        """Stops after each epoch."""
        loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
        optimizer = torch.optim.SGD(
            model.parameters(), chosen["rate"], chosen["momentum"], weight_decay=chosen["decay"], nesterov=True
        )
        schedule = OneCycleLR(
            optimizer, chosen["rate"], self.epochs * len(loader), pct_start=RISE, cycle_momentum=False
        )
        for _ in range(self.epochs):
            model.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                schedule.step()
            yield


@torch.inference_mode()
def nll(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Mean negative log-likelihood."""
    model.eval()
    return float(cross_entropy(model(x), y))


@torch.inference_mode()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of the pictures whose class is the most probable one."""
    model.eval()
    some = zip(x.split(1000), y.split(1000), strict=True)
    return sum(int((model(a).argmax(1) == b).sum()) for a, b in some) / len(y)
