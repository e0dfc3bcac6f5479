"""What each member sees of a batch: pixels as its network reads them, and targets."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ravine.data.batches import Batch, Batches, channels_first
from ravine.data.reading import Reading
from ravine.moments import Samples
from ravine.train.execution import Seen
from ravine.train.state import Population


class Seeing:
    """From batches of pictures to what the members of a population see; techniques change pictures and targets."""

    def __init__(self, population: Population, batches: Batches, streams: Sequence[int], picture: Reading) -> None:
        """Refer to a training.

        Args:
            population: The members.
            batches: Where batches come from.
            streams: For each member, which stream of the batches it sees.
            picture: How pixels become tensors.
        """
        self._population, self._streams, self._picture = population, streams, picture
        self._pictures, self._batch_size = len(batches.labels), batches.batch_size
        labels = batches.labels[torch.from_numpy(batches.indices).to(batches.labels.device)]
        self._counts = torch.bincount(labels.cpu(), minlength=population.shape.classes)
        self._own = {row for row, member in enumerate(population.techniques) if member.changes_batches}
        self.copies = len(self._own)
        self._plain = sorted({stream for row, stream in enumerate(streams) if row not in self._own})

    def __call__(self, batch: Batch, epoch: int) -> Seen:
        """What each member sees; members without techniques of their own share what their stream holds."""
        return self._seen(batch, {row: self._augmented(row, batch, epoch) for row in self._own})

    def each(self, block: Batch, epoch: int) -> Iterator[tuple[Batch, Seen]]:
        """Batch by batch of a block, and what each member sees of it.

        Pictures are augmented now, all at once; batches are mixed and made float when they are asked for.
        """
        augmented = {row: self._augmented(row, block, epoch) for row in self._own}
        places = (slice(start, start + self._batch_size) for start in range(0, block.rows.shape[1], self._batch_size))
        return (self._part(block, augmented, part) for part in places)

    def _part(self, block: Batch, augmented: Mapping[int, Samples], places: slice) -> tuple[Batch, Seen]:
        batch = block.part(places)
        return batch, self._seen(batch, {row: samples.part(places) for row, samples in augmented.items()})

    def _seen(self, batch: Batch, augmented: Mapping[int, Samples]) -> Seen:
        plain = self._as_they_are(batch) if self._plain else {}
        return [
            self._mixed(row, augmented[row]) if row in augmented else plain[stream]
            for row, stream in enumerate(self._streams)
        ]

    def _as_they_are(self, batch: Batch) -> dict[int, tuple[Tensor, Tensor]]:
        """Pictures and labels of the streams that members without techniques of their own see, made float at once."""
        every = len(self._plain) == len(batch.images)
        images, labels = (part if every else part[self._plain] for part in (batch.images, batch.labels))
        return dict(zip(self._plain, zip(self.pixels(images), self._placed(labels), strict=True), strict=True))

    def _augmented(self, row: int, block: Batch, epoch: int) -> Samples:
        parts = (part[self._streams[row]] for part in (block.images, block.labels, block.keys))
        whole = {"epoch": epoch, "pictures": self._pictures, "classes": len(self._counts)}
        return self._population.techniques[row].augmented(*parts, **whole)

    def _mixed(self, row: int, samples: Samples) -> tuple[Tensor, Tensor]:
        images, targets = self._population.techniques[row].mixed(samples, self._counts)
        return self.pixels(images), self._placed(targets)

    def pixels(self, images: Tensor) -> Tensor:
        """Pictures [..., H, W, C] as a network reads them, [..., C, H, W], where the members are."""
        theta = self._population.theta
        return self._picture.normalise(channels_first(images)).to(theta.device, theta.dtype)

    def _placed(self, targets: Tensor) -> Tensor:
        return targets.to(self._population.theta.device)
