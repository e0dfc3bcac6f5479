"""Memory that batches are gathered into, used again and again; with a GPU, in pinned memory and on the device."""

import torch
from torch import Tensor

from ravine.data.batches import Batch, Batches


class Slot:
    """Room for a block of batches on the device where the pictures are.

    Example:
        >>> images, labels = torch.arange(6, dtype=torch.uint8).reshape(6, 1, 1, 1), torch.arange(6)
        >>> batches = Batches(images, labels, labels.numpy(), batch_size=4, seeds=(0,))
        >>> slot = Slot(batches)
        >>> batch = slot.gather(batches, epoch=0, number=1)
        >>> batch.images.flatten().tolist() == batch.labels.flatten().tolist() == batch.rows.flatten().tolist()
        True
    """

    def __init__(self, batches: Batches, block: int = 1, *, pinned: bool = False) -> None:
        """Take memory.

        Args:
            batches: What is to be gathered.
            block: The most batches at a time.
            pinned: Whether the memory cannot be paged out, so that a GPU can read it by itself.
        """
        count = len(batches.seeds) * min(block * batches.batch_size, len(batches.indices))
        self._memory = [
            torch.empty((count, *values.shape[1:]), dtype=values.dtype, device=values.device, pin_memory=pinned)
            for values in (batches.images, batches.labels)
        ]

    def gather(self, batches: Batches, epoch: int, number: int, count: int = 1) -> Batch:
        """A batch, or so many from it on, in this slot's memory: they hold until the next call."""
        rows = torch.from_numpy(batches.rows(epoch, number, count))
        chosen = rows.flatten()
        parts = [memory[: len(chosen)] for memory in self._memory]
        for values, part in zip((batches.images, batches.labels), parts, strict=True):
            torch.index_select(values, 0, chosen.to(values.device), out=part)
        images, labels = (part.view(*rows.shape, *part.shape[1:]) for part in parts)
        return Batch(images, labels, rows, batches.keys(epoch, number, rows))

    def receive(self, batch: Batch) -> Batch:
        """Let the consumer's work wait until what was gathered is there; to be called where it is consumed."""
        return batch

    def release(self) -> None:
        """Note that the consumer has asked for all that it wants of the batch."""


class DeviceSlot(Slot):
    """Room for a block of batches in pinned memory and on a GPU, to which it is copied while the GPU computes.

    Copies are made on a stream of their own. They wait until the GPU is done with the batch before in this slot, and
    the GPU waits for them; the processor waits only before it overwrites pinned memory that is still being copied.
    """

    def __init__(self, batches: Batches, stream: torch.cuda.Stream, block: int = 1) -> None:
        """Take memory.

        Args:
            batches: What is to be gathered, on the CPU.
            stream: Where copies are made.
            block: The most batches at a time.
        """
        super().__init__(batches, block, pinned=True)
        self._stream = stream
        self._there = [torch.empty_like(memory, device=stream.device) for memory in self._memory]
        self._copied, self._used = torch.cuda.Event(), torch.cuda.Event()
        stream.wait_stream(torch.cuda.current_stream(stream.device))  # the memory may have been in use until now
        for memory in self._there:
            memory.record_stream(stream)  # and when it is given back, a copy may be on its way

    def gather(self, batches: Batches, epoch: int, number: int, count: int = 1) -> Batch:
        """As above; the pictures and labels are on their way to the device when this returns."""
        self._copied.synchronize()
        batch = super().gather(batches, epoch, number, count)
        with torch.cuda.stream(self._stream):
            self._stream.wait_event(self._used)
            images, labels = (
                self._copy(values, memory)
                for values, memory in zip((batch.images, batch.labels), self._there, strict=True)
            )
            self._copied.record()
        return Batch(images, labels, batch.rows, batch.keys)

    def receive(self, batch: Batch) -> Batch:
        """Let the GPU's current stream wait for the copy."""
        torch.cuda.current_stream(self._stream.device).wait_event(self._copied)
        return batch

    def release(self) -> None:
        """Let the next copy wait for what the GPU's current stream still has to do."""
        self._used.record(torch.cuda.current_stream(self._stream.device))

    @staticmethod
    def _copy(values: Tensor, memory: Tensor) -> Tensor:
        part = memory[: values.shape[0] * values.shape[1]].view(values.shape)
        return part.copy_(values, non_blocking=True)
