"""Fashion-MNIST in PyTorch Lightning: `python lightning_convnet.py DATA.npz`; needs lightning, torch and numpy.

A LightningModule as in "Lightning in 15 minutes" (lightning.ai/docs/pytorch/stable/starter/introduction.html), around
the network, optimizer, batch size and loader of plain_pytorch.py. Logger, checkpoints, progress bar and summary are
off; with --defaults they are as a Trainer has them. One JSON line an epoch; `seconds` is training time from the first
batch on, without the test.
"""

import argparse
import json
import os
import tempfile
import time

import lightning
import numpy as np
import torch
from plain_pytorch import Pictures, accuracy, network
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

OFF = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Classifier(lightning.LightningModule):
    """The network and what a step is."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def training_step(self, batch: list[Tensor]) -> Tensor:
        """The loss of a batch."""
        images, labels = batch
        loss = cross_entropy(self.network(images), labels)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam at 1e-3."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


class StopWatch(lightning.Callback):
    """Times epochs, and tests after each with the clock stopped."""

    def __init__(self, testing: DataLoader, target: float) -> None:
        self.testing, self.target = testing, target
        self.seconds = self.began = 0.0

    def on_train_epoch_start(self, *_: object) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Classifier) -> None:
        """Stop it, test, and end the training at the target."""
        self.seconds += time.perf_counter() - self.began
        reached = accuracy(module.network, self.testing)
        module.network.train()
        line = {"epoch": trainer.current_epoch + 1, "seconds": round(self.seconds, 3), "accuracy": reached}
        print("\n" + json.dumps(line), flush=True)
        trainer.should_stop = reached >= self.target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--target", type=float, default=1.0, help="stop once the test accuracy is this high")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--defaults", action="store_true", help="logger, checkpoints and bar as a Trainer has them")
    choices = parser.parse_args()
    torch.set_num_threads(choices.threads)
    lightning.seed_everything(choices.seed)
    with np.load(choices.data) as file:
        x, y, test = file["x"], file["y"], file["split"] == "test"
    training = DataLoader(Pictures(x[~test], y[~test]), batch_size=64, shuffle=True)
    watch = StopWatch(DataLoader(Pictures(x[test], y[test]), batch_size=1000), choices.target)
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            max_epochs=choices.epochs,
            accelerator="cpu",
            callbacks=[watch],
            default_root_dir=folder,
            **({} if choices.defaults else OFF),
        )
        trainer.fit(Classifier(), training)


if __name__ == "__main__":
    main()
