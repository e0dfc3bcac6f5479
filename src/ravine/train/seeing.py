"""What each member sees of a batch: pixels as its network reads them, and targets."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ravine.data.batches import Batch, Batches, channels_first
from ravine.data.preprocess import Preprocess
from ravine.train.execution import Seen
from ravine.train.state import Population


class Seeing:
    """From batches of pictures to what the members of a population see; techniques change pictures and targets."""

    def __init__(self, population: Population, batches: Batches, streams: Sequence[int], picture: Preprocess) -> None:
        """Refer to a training.

        Args:
            population: The members.
            batches: Where batches come from.
            streams: For each member, which stream of the batches it sees.
            picture: How pixels become tensors.
        """
        self._population, self._streams, self._picture = population, streams, picture
        self._pictures = len(batches.labels)
        labels = batches.labels[torch.from_numpy(batches.indices).to(batches.labels.device)]
        self._counts = torch.bincount(labels.cpu(), minlength=population.shape.classes)
        self._own = {row for row, member in enumerate(population.techniques) if member.changes_batches}

    def __call__(self, batch: Batch, epoch: int) -> Seen:
        """What each member sees; members without techniques of their own share what their stream holds."""
        plain: dict[int, tuple[Tensor, Tensor]] = {}
        seen = []
        for row, stream in enumerate(self._streams):
            if row in self._own:
                seen.append(self._changed(row, batch, epoch))
                continue
            if stream not in plain:
                plain[stream] = self.pixels(batch.images[stream]), self._placed(batch.labels[stream])
            seen.append(plain[stream])
        return seen

    def _changed(self, row: int, batch: Batch, epoch: int) -> tuple[Tensor, Tensor]:
        stream = self._streams[row]
        whole = {"epoch": epoch, "pictures": self._pictures, "counts": self._counts}
        images, targets = self._population.techniques[row].batch(
            batch.images[stream], batch.labels[stream], batch.keys[stream], **whole
        )
        return self.pixels(images), self._placed(targets)

    def pixels(self, images: Tensor) -> Tensor:
        """Pictures [N, H, W, C] as a network reads them, [N, C, H, W], where the members are."""
        theta = self._population.theta
        return self._picture.normalise(channels_first(images)).to(theta.device, theta.dtype)

    def _placed(self, targets: Tensor) -> Tensor:
        return targets.to(self._population.theta.device)
