"""Fashion-MNIST in plain PyTorch: `python plain_pytorch.py DATA.npz`; needs torch and numpy alone.

The network and the loop of PyTorch's MNIST example (github.com/pytorch/examples, mnist/main.py) with Adam at 1e-3 and
batches of 64. Pictures are in memory as tensors; there is no PIL between them and the network, which torchvision's own
data set has. One JSON line an epoch; `seconds` is training time, without the test.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    """Pictures uint8 [N, 28, 28] and labels; each is scaled to 0 … 1 when it is asked for, as ToTensor does."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index].unsqueeze(0).float().div(255), self.y[index]


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def train(model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer) -> None:
    model.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in loader)
    return right / len(loader.dataset)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--target", type=float, default=1.0, help="stop once the test accuracy is this high")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    choices = parser.parse_args()
    torch.set_num_threads(choices.threads)
    torch.manual_seed(choices.seed)
    with np.load(choices.data) as file:
        x, y, test = file["x"], file["y"], file["split"] == "test"
    training = DataLoader(Pictures(x[~test], y[~test]), batch_size=64, shuffle=True)
    testing = DataLoader(Pictures(x[test], y[test]), batch_size=1000)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds = 0.0
    for epoch in range(1, choices.epochs + 1):
        began = time.perf_counter()
        train(model, training, optimizer)
        seconds += time.perf_counter() - began
        reached = accuracy(model, testing)
        print(json.dumps({"epoch": epoch, "seconds": round(seconds, 3), "accuracy": reached}), flush=True)
        if reached >= choices.target:
            break


if __name__ == "__main__":
    main()
