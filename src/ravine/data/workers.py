"""Work on many pictures in threads, with the results in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from ravine.device.machine import usable_cores

Result = TypeVar("Result")
Advance = Callable[[int], object]
"""Called with the number of further pictures done."""


def silent(_: int) -> None:
    """Show no progress."""


def in_threads(work: Callable[[int], Result], count: int, threads: int | None) -> Iterator[Result]:
    """Apply a function to 0 … count − 1 in threads, each of which runs torch on one core.

    Args:
        work: What to do with one number. Pillow, hashing and torch let other threads run meanwhile.
        count: How often.
        threads: How many threads; the number of usable cores if not given.

    Yields:
        The results in order; at most a few a thread are waiting at any time.
    """
    threads = max(1, threads or usable_cores())
    inner = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, "pictures", initializer=torch.set_num_threads, initargs=(1,))
    waiting: deque[Future[Result]] = deque()
    try:
        for index in range(count):
            waiting.append(pool.submit(work, index))
            if len(waiting) > 4 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(inner)
