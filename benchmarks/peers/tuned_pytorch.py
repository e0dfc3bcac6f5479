"""Fashion-MNIST in PyTorch, tuned by hand: `python tuned_pytorch.py DATA.npz`; needs torch and numpy alone.

The network of Ravine's preset, with the preset's optimizer, schedule and penalty, as someone writes it who knows
PyTorch and these pictures well: uint8 in memory, each batch picked by one index, made float and normalised as a whole,
channels last, fused SGD with Nesterov's momentum, OneCycleLR stepped by batch, no decay of biases and norms, nothing
read back within an epoch. There is no DataLoader. glibc keeps freed memory, for which PyTorch's tuning guide would have
another allocator. It is not compiled: on two cores, compiled passes of this network took longer
(`python -m benchmarks.graphs`). One JSON line, after the last epoch, since the rate ends there; `seconds`
is training time, without the test.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

MEAN, STD = 0.5, 0.25
RATE, MOMENTUM, RISE, BATCH = 0.1, 0.9, 0.2, 128
DECAY = 20 / 60_000
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1), "MALLOC_TOP_PAD_": str(1 << 26)}
"""Environment variables of glibc (mallopt(3)); other systems take no notice."""


def network(width: int = 24, depth: int = 3, side: int = 28, classes: int = 10) -> nn.Sequential:
    """Blocks of convolution, pooling while there are more than 8 pixels, batch norm and ReLU; a linear layer."""
    layers: list[nn.Module] = []
    inputs = 1
    for outputs in (width << block for block in range(depth)):
        layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
        if side > 8:
            layers.append(nn.MaxPool2d(2))
            side //= 2
        layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * side * side, classes))


class Loop:
    """A training, a step at a time.

    Attributes:
        model: What is trained.
    """

    def __init__(
        self,
        model: nn.Module,
        x: Tensor,
        y: Tensor,
        steps: int,
        rate: float = RATE,
        momentum: float = MOMENTUM,
        decay: float = DECAY,
        rise: float = RISE,
        read: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """Nothing is done yet.

        Args:
            model: From pictures [N, 1, H, W] to logits.
            x: Pictures uint8 [M, 1, H, W].
            y: Labels int64 [M].
            steps: Of the whole training.
            rate: The highest learning rate.
            momentum: Nesterov's.
            decay: Strength of the L2 penalty on weights.
            rise: The share of the training in which the rate rises.
            read: From pictures to what the network reads; `pixels` if not given.
        """
        self.model = model.to(memory_format=torch.channels_last).train()
        self._read = read or pixels
        self._x, self._y = x.contiguous(memory_format=torch.channels_last), y
        weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
        groups = [{"params": weights, "weight_decay": decay}, {"params": others}]
        self._optimizer = torch.optim.SGD(groups, rate, momentum, nesterov=True, fused=True)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, rate, steps, pct_start=rise, cycle_momentum=False
        )

    def step(self, rows: Tensor) -> Tensor:
        """One step on a batch of pictures, int64 [N] by number; answers the loss before it."""
        loss = cross_entropy(self.model(self._read(self._x[rows])), self._y[rows])
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._schedule.step()
        return loss.detach()


def pixels(x: Tensor) -> Tensor:
    """What the network reads, of uint8."""
    return x.float().sub_(255 * MEAN).mul_(1 / (255 * STD))


def batches(count: int, size: int) -> Sequence[Tensor]:
    """A new order of so many pictures, cut into batches."""
    return torch.randperm(count).split(size)


@torch.inference_mode()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    model.eval()
    return sum(int((model(pixels(a)).argmax(1) == b).sum()) for a, b in _parts(x, y)) / len(y)


def _parts(x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(x.split(1000), y.split(1000), strict=True)


def keep_memory() -> None:
    """Start this script anew with glibc's variables set, which are read when a process starts."""
    if not KEEP_MEMORY.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP_MEMORY})


def main() -> None:
    keep_memory()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    choices = parser.parse_args()
    torch.set_num_threads(choices.threads)
    torch.manual_seed(choices.seed)
    with np.load(choices.data) as file:
        x, y = torch.from_numpy(file["x"]).unsqueeze(1), torch.from_numpy(file["y"].astype(np.int64))
        test = torch.from_numpy(file["split"] == "test")
    train_x, train_y = x[~test], y[~test]
    steps = choices.epochs * len(batches(len(train_y), BATCH))
    loop = Loop(network(side=x.shape[-1]), train_x, train_y, steps)
    began = time.perf_counter()
    for _ in range(choices.epochs):
        for rows in batches(len(train_y), BATCH):
            loop.step(rows)
    seconds = time.perf_counter() - began
    reached = accuracy(loop.model, x[test], y[test])
    print(json.dumps({"epoch": choices.epochs, "seconds": round(seconds, 3), "accuracy": reached}), flush=True)


if __name__ == "__main__":
    main()
