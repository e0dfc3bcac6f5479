"""Fine-tuning of timm's EfficientNet-Lite0 in PyTorch, as one writes it by hand: `python finetune_timm.py DATA.npz`.

One epoch trains the classifier alone on the frozen body, which stays in evaluation mode and keeps no graph; then all
layers are trained, with AdamW as timm makes it (no decay of biases and norms), and a rate that rises and falls once.
Pictures are uint8 in memory, brought to size once, each batch picked by one index; channels last; glibc keeps freed
memory; nothing is read back within an epoch. One JSON line an epoch; `seconds` is training time with bringing the
pictures to size and loading timm and the weights, without tests. Needs what finetuning.py needs.
"""

from collections.abc import Iterator
from functools import partial

import torch
from finetuning import Clock, Data, arguments, network, pixels, read, report
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import OneCycleLR

HEAD_RATE, DECAY, RISE = 1e-2, 1e-2, 0.25


def batches(data: Data, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """A new order; the last pictures are left out where they do not fill a batch, as batch norm wants it."""
    rows = torch.randperm(len(data.y))
    for part in rows.split(size):
        if len(part) == size or len(rows) < size:
            yield pixels(data.x[part]), data.y[part]


def train_head(model: nn.Module, data: Data, batch: int) -> None:
    """One epoch of the classifier."""
    body, head = model.eval(), model.get_classifier()
    optimizer = torch.optim.AdamW(head.parameters(), HEAD_RATE, weight_decay=DECAY, fused=True)
    for x, y in batches(data, batch):
        with torch.no_grad():
            features = body.forward_head(body.forward_features(x), pre_logits=True)
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(head(features), y).backward()
        optimizer.step()


def train_all(model: nn.Module, data: Data, batch: int, optimizer: torch.optim.Optimizer, schedule: OneCycleLR) -> None:
    """One epoch of all layers."""
    model.train()
    for x, y in batches(data, batch):
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()


def main() -> None:
    choices = arguments(__doc__)
    clock = Clock()
    data = read(choices.data, choices.size, choices.held)
    model = network(data.classes)
    train_head(model, data, choices.batch)
    clock.stop()
    report(1, clock, model, data)
    from timm.optim import create_optimizer_v2

    optimizer = create_optimizer_v2(model, "adamw", lr=choices.rate, weight_decay=DECAY, fused=True)
    steps = max(1, len(data.y) // choices.batch) * (choices.epochs - 1)
    schedule = OneCycleLR(optimizer, choices.rate, steps, pct_start=RISE, cycle_momentum=False) if steps else None
    epoch = partial(train_all, model, data, choices.batch, optimizer, schedule)
    for number in range(2, choices.epochs + 1):
        clock.start()
        epoch()
        clock.stop()
        report(number, clock, model, data)


if __name__ == "__main__":
    main()
