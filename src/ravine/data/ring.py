"""Blocks of batches, perhaps made ahead of their use in a thread, in a ring of slots whose memory is used again.

    in the thread       a free slot ▶ a block of batches gathered into it ▶ prepared (CPU), or sent to the GPU
    in the consumer     the oldest slot ▶ (GPU) prepared there ▶ batch by batch computed with ▶ free after its last

There are ahead + 2 slots: one in the consumer's hands, one being filled, and the rest waiting. What a batch holds
depends on its epoch and number alone, so that order and bits are the same for every `block` and `ahead`; with 0 there
is no thread, and a block is made when its first batch is asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, NamedTuple, TypeVar

import torch

from ravine.data.batches import Batch, Batches
from ravine.data.slot import DeviceSlot, Slot

Item = TypeVar("Item")
Prepare = Callable[[Batch, int], Iterable[Item]]
"""From a block and its epoch to what the consumer wants of each of its batches, such as augmented pictures."""


class _Filled(NamedTuple):
    """A slot and what was made in it; without a slot there is nothing more, because of a failure or at the end."""

    slot: Slot | None = None
    made: Any = None
    epoch: int = 0
    failure: BaseException | None = None


class Ring(Iterator[Item]):
    """Batches in order, blocks of them made ahead; to be closed, best by `with`.

    Example:
        >>> images, labels = torch.zeros(6, 2, 2, 1, dtype=torch.uint8), torch.arange(6)
        >>> batches = Batches(images, labels, labels.numpy(), batch_size=4, seeds=(0,))
        >>> with Ring(batches, [(0, range(2))], lambda batch, epoch: [batch.labels[0].tolist()], ahead=2) as ring:
        ...     sorted(next(ring) + next(ring))
        [0, 1, 2, 3, 4, 5]
    """

    def __init__(
        self,
        batches: Batches,
        spans: Iterable[tuple[int, range]],
        prepare: Prepare[Item],
        *,
        block: int = 1,
        ahead: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        """Begin at once where batches are made ahead.

        Args:
            batches: Where they come from.
            spans: Epochs and the numbers of batches in them that follow one another, in the order of their use.
            prepare: What is done with each block: in the thread on a CPU, in `next` on a GPU. It may leave work to be
                done as each batch is asked for, and give views of the block; they hold until the next one is asked for.
            block: The most batches of a span that are gathered and prepared at once.
            ahead: How many blocks wait; 0 makes none ahead, and so do pictures that are on a GPU already.
            device: Where they are used; pictures and labels on the CPU are copied to a GPU.
        """
        self._batches, self._blocks, self._prepare = batches, _blocks(spans, block), prepare
        self._items: Iterator[Item] = iter(())
        self._in_thread = torch.device(device).type == "cpu"
        self._free: SimpleQueue[Slot | None] = SimpleQueue()
        self._filled: SimpleQueue[_Filled] = SimpleQueue()
        self._current: Slot | None = None
        self._closing = Event()
        ahead = ahead if batches.images.device.type == "cpu" else 0
        for slot in _slots(batches, block, ahead + 2 if ahead else 1, device):
            self._free.put(slot)
        self._thread = self._started() if ahead else None

    def __next__(self) -> Item:
        """The next batch, prepared; memory of the one before is used again.

        Raises:
            Exception: Whatever went wrong when the batch was made.
        """
        if self._closing.is_set():
            raise StopIteration
        try:
            for item in self._items:
                return item
            self._items = iter(self._next_block())
            return next(self._items)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Make no further batches, and wait until the thread has ended."""
        self._closing.set()
        self._free.put(None)
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> "Ring[Item]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_block(self) -> Iterable[Item]:
        self._release()
        if self._thread is None:
            self._fill()
        filled = self._filled.get()
        if filled.slot is None:
            raise filled.failure or StopIteration
        self._current = filled.slot
        return filled.made if self._in_thread else self._prepare(filled.slot.receive(filled.made), filled.epoch)

    def _release(self) -> None:
        if self._current is not None:
            self._current.release()
            self._free.put(self._current)
            self._current = None

    def _started(self) -> Thread:
        """The thread, in which torch runs on one core; elsewhere it runs on as many as before."""
        before, ready = torch.get_num_threads(), Event()
        thread = Thread(target=self._work, args=(ready,), name="batches", daemon=True)
        thread.start()
        ready.wait()
        torch.set_num_threads(before)
        return thread

    def _work(self, ready: Event) -> None:
        torch.get_num_threads()  # a thread takes over the common number when it first asks, and must not do so later
        torch.set_num_threads(1)
        ready.set()
        while self._fill():
            pass

    def _fill(self) -> bool:
        """Fill the next slot; answer whether there may be more to do."""
        slot = self._free.get()
        if slot is None or self._closing.is_set():
            return False
        try:
            filled = self._made(slot)
        except BaseException as failure:  # it belongs to whoever asks for the block
            filled = _Filled(failure=failure)
        self._filled.put(filled)
        return filled.slot is not None

    def _made(self, slot: Slot) -> _Filled:
        found = next(self._blocks, None)
        if found is None:
            return _Filled()
        epoch, numbers = found
        block = slot.gather(self._batches, epoch, numbers[0], len(numbers))
        return _Filled(slot, self._prepare(block, epoch) if self._in_thread else block, epoch)


def _blocks(spans: Iterable[tuple[int, range]], block: int) -> Iterator[tuple[int, range]]:
    return (
        (epoch, numbers[start : start + block]) for epoch, numbers in spans for start in range(0, len(numbers), block)
    )


def _slots(batches: Batches, block: int, count: int, device: torch.device | str) -> list[Slot]:
    if torch.device(device).type == "cpu" or batches.images.device.type != "cpu":
        return [Slot(batches, block) for _ in range(count)]
    stream = torch.cuda.Stream(device)
    return [DeviceSlot(batches, stream, block) for _ in range(count)]
