"""Blocks of batches, perhaps made ahead of their use in a thread, in a ring of slots whose memory is used again.

    in the thread       a free slot ▶ a block of batches gathered into it ▶ prepared (CPU), or sent to the GPU
    in the consumer     the oldest slot ▶ (GPU) prepared there ▶ batch by batch computed with ▶ free after its last

There are ahead + 2 slots: one in the consumer's hands, one being filled, and the rest waiting. What a batch holds
depends on its epoch and number alone, so that order and bits are the same for every `block` and `ahead`; with 0 there
is no thread, and a block is made when its first batch is asked for.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

import torch

from ravine.data.batches import Batch, Batches
from ravine.data.slot import DeviceSlot, Slot

Item = TypeVar("Item")
Prepare = Callable[[Batch, int], Iterable[Item]]
"""From a block and its epoch to what the consumer wants of each of its batches, such as augmented pictures."""


class _Asked(NamedTuple):
    """A slot, the epoch of the block that is made in it, and what waits for the block."""

    slot: Slot
    epoch: int
    result: Callable[[], Any]


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
        self._asked: deque[_Asked] = deque()
        self._current: Slot | None = None
        self._closed = False
        ahead = ahead if batches.images.device.type == "cpu" else 0
        slots = _slots(batches, block, ahead + 2 if ahead else 1, device)
        self._maker = _maker() if ahead else None
        for slot in slots:
            self._ask(slot)

    def __next__(self) -> Item:
        """The next batch, prepared; memory of the one before is used again.

        Raises:
            Exception: Whatever went wrong when the batch was made.
        """
        if self._closed:
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
        self._closed = True
        if self._maker is not None:
            self._maker.shutdown(cancel_futures=True)

    def __enter__(self) -> "Ring[Item]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_block(self) -> Iterable[Item]:
        self._release()
        if not self._asked:
            raise StopIteration
        self._current, epoch, result = self._asked.popleft()
        made = result()
        return made if self._in_thread else self._prepare(self._current.receive(made), epoch)

    def _release(self) -> None:
        """Ask for another block in the slot that the consumer is done with."""
        if self._current is not None:
            self._current.release()
            self._ask(self._current)
            self._current = None

    def _ask(self, slot: Slot) -> None:
        """Let the next block be made in a slot: by the thread, or when it is needed."""
        if found := next(self._blocks, None):
            make = partial(self._made, slot, *found)
            self._asked.append(_Asked(slot, found[0], self._maker.submit(make).result if self._maker else make))

    def _made(self, slot: Slot, epoch: int, numbers: range) -> Any:
        block = slot.gather(self._batches, epoch, numbers[0], len(numbers))
        return self._prepare(block, epoch) if self._in_thread else block


def _maker() -> ThreadPoolExecutor:
    """A thread in which torch runs on one core; elsewhere it runs on as many as before."""
    before = torch.get_num_threads()
    maker = ThreadPoolExecutor(1, "batches", _on_one_core)
    maker.submit(torch.get_num_threads).result()
    torch.set_num_threads(before)
    return maker


def _on_one_core() -> None:
    torch.get_num_threads()  # a thread takes over the common number when it first asks, and must not do so later
    torch.set_num_threads(1)


def _blocks(spans: Iterable[tuple[int, range]], block: int) -> Iterator[tuple[int, range]]:
    return (
        (epoch, numbers[start : start + block]) for epoch, numbers in spans for start in range(0, len(numbers), block)
    )


def _slots(batches: Batches, block: int, count: int, device: torch.device | str) -> list[Slot]:
    if torch.device(device).type == "cpu" or batches.images.device.type != "cpu":
        return [Slot(batches, block) for _ in range(count)]
    stream = torch.cuda.Stream(device)
    return [DeviceSlot(batches, stream, block) for _ in range(count)]
