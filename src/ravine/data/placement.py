"""Where the pixels of a pack stay during training, how many batches are made at once, and how many ahead of use."""

from typing import Literal

from ravine.data.batches import Batches

Place = Literal["device", "memory", "disk"]
"""On the GPU; mapped from its file and kept in memory by the system; mapped, but too large to be kept."""

SHARE = 0.5
"""Of what is free, the most that a pack may take; the rest is for the training."""

AHEAD = 2
"""Blocks of batches that wait where any do."""

BLOCK_BYTES = 1 << 21
"""Of pictures of one stream, the most in a block of several batches; calls cost little then, and a cache holds them."""

MEMBERS_BYTES = 1 << 24
"""Of pictures of all streams, or of all members that change theirs, the most in a block of several batches."""


def placement(pack_bytes: int, memory_bytes: int | None, gpu_bytes: int | None = None) -> Place:
    """Where a pack goes: as near to the arithmetic as it fits.

    A pack is always mapped from its file. Read once, as it is when it is opened, it is gathered from at the speed of an
    array as long as memory is free for it, so that it need not be copied there.

    Args:
        pack_bytes: Of the pixels.
        memory_bytes: Free, as `ravine.device.available.available_bytes` says; None where that is unknown, and then a
            pack is taken to fit.
        gpu_bytes: Free on the GPU that computes; None where there is none.

    Example:
        >>> placement(6_000_000_000, memory_bytes=16_000_000_000)
        'memory'
        >>> placement(6_000_000_000, memory_bytes=16_000_000_000, gpu_bytes=80_000_000_000)
        'device'
    """
    if gpu_bytes is not None and pack_bytes <= SHARE * gpu_bytes:
        return "device"
    return "memory" if memory_bytes is None or pack_bytes <= SHARE * memory_bytes else "disk"


def batches_ahead(place: Place, gpu: bool) -> int:
    """How many blocks of batches a `Ring` makes ahead.

    0 where a thread would take time from the arithmetic, on the same processor or on the GPU that has the pack; 2
    where the processor would be idle meanwhile, as it waits for a disk or for a GPU.

    Example:
        >>> batches_ahead("memory", gpu=False), batches_ahead("disk", gpu=False), batches_ahead("memory", gpu=True)
        (0, 2, 2)
    """
    return AHEAD if place == "disk" or (gpu and place == "memory") else 0


def batches_at_once(batches: Batches, copies: int = 1) -> int:
    """How many batches are gathered and augmented at once: a block.

    Args:
        batches: The batches.
        copies: How many members have pictures of their own.

    Example:
        >>> import torch
        >>> labels = torch.zeros(60_000, dtype=torch.int64)
        >>> pack = torch.zeros(1, dtype=torch.uint8).expand(60_000, 28, 28, 1)
        >>> batches_at_once(Batches(pack, labels, labels.numpy(), batch_size=128, seeds=(0,)))
        20
    """
    batch_bytes = batches.batch_size * batches.images[0].nbytes
    all_bytes = MEMBERS_BYTES // max(copies, len(batches.seeds))
    return max(1, min(BLOCK_BYTES, all_bytes) // batch_bytes)
