"""fastai's `fine_tune` on timm's EfficientNet-Lite0: `python finetune_fastai.py DATA.npz`.

One epoch with a frozen body (its batch norms go on learning, as fastai has it), then all layers at rates that fall with
depth, one cycle each. Pictures are uint8 in memory, brought to size once; batches are made float and normalised as a
whole; channels last. fastai's own validation is skipped and its progress bar is off; the test is made after each epoch
and not timed. One JSON line an epoch; `seconds` is training time with bringing the pictures to size and loading timm
and the weights. Needs what finetuning.py needs, and fastai.
"""

from fastai.callback.core import Callback, CancelValidException
from fastai.callback.schedule import Learner
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Recorder
from fastai.losses import CrossEntropyLossFlat
from fastai.torch_core import params
from finetuning import Clock, Data, arguments, network, pixels, read, report
from torch import Tensor, nn


class Judge(Callback):
    """Times training, and tests after each epoch in place of fastai's validation."""

    run_valid = False

    def __init__(self, clock: Clock, data: Data) -> None:
        super().__init__()
        self.clock, self.data, self.number = clock, data, 0

    def before_train(self) -> None:
        """An epoch begins."""
        self.clock.start()

    def after_train(self) -> None:
        """Its steps are done."""
        self.clock.stop()

    def before_validate(self) -> None:
        """There is a test instead."""
        raise CancelValidException

    def after_epoch(self) -> None:
        """Test and tell."""
        self.number += 1
        report(self.number, self.clock, self.model, self.data)


class Rows:
    """Pictures and labels by number."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data.y)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self.data.x[row], self.data.y[row]


def ready(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A batch as the network reads it."""
    x, y = batch
    return pixels(x), y


def split(model: nn.Module) -> list[list[nn.Parameter]]:
    """Body and classifier."""
    head = params(model.get_classifier())
    own = {id(one) for one in head}
    return [[one for one in params(model) if id(one) not in own], head]


def main() -> None:
    choices = arguments(__doc__)
    clock = Clock()
    data = read(choices.data, choices.size, choices.held)
    model = network(data.classes)
    clock.stop()
    loader = DataLoader(Rows(data), bs=choices.batch, shuffle=True, drop_last=True, num_workers=0, after_batch=ready)
    learner = Learner(
        DataLoaders(loader, loader),
        model,
        loss_func=CrossEntropyLossFlat(),
        splitter=split,
        cbs=Judge(clock, data),
    )
    learner.remove_cb(Recorder)
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(choices.epochs - 1, base_lr=choices.rate, freeze_epochs=1)


if __name__ == "__main__":
    main()
