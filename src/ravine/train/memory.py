"""How much memory a training takes, estimated before it begins, and refused where there is not enough.

    pictures       rows of the pack · size² · channels
    weights        members · parameters · (weights + gradients + states of the rule + those while judging + copies)
    one batch      what the backward pass needs, as autograd saves it for two pictures, times the batch;
                   the largest of it again, for a gradient on its way; the pictures as they come and as numbers; on a
                   CPU a quarter more, for gaps between blocks of memory that are kept (1.0 to 1.5 times was measured)
    judging        three times the largest of it, for a chunk of pictures on its way through a layer, where there are
                   validation pictures or an ensemble; it comes after the batches, so that the larger of the two counts
    libraries      128 MB, for code that is made on first use and for working space (93 to 265 MB were measured); 280 MB
                   more for PyTorch's compiler, where several members' updates may be compiled

Members that pass one after the other need the memory of one batch; stacked or in threads they need one each. A pack
is mapped from its file: the system gives its pages back when they are wanted elsewhere, so that a training goes on
where they do not fit, at the speed of the disk. Therefore the pictures count in the estimate, and not in the refusal
on a CPU.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from ravine.base.errors import PlanError
from ravine.interfaces import Rule
from ravine.train.precision import mean_loss
from ravine.train.state import layout_of

SAMPLE = 2
LIBRARY_BYTES, COMPILER_BYTES = 128_000_000, 280_000_000

GAPS = {"cpu": 1.25, "cuda": 1.0}
"""What a batch takes, with the gaps, of the sum of its parts."""


ON_THE_WAY = 3
"""Of the largest activation, what a forward pass has at the same time: in, out, and room to work."""

TEMPORARIES = {"cpu": 0, "cuda": 3}
"""Matrices in an update; on a CPU it goes in small pieces."""


@dataclass(frozen=True)
class Memory:
    """An estimate, in bytes.

    Attributes:
        pictures: The rows of the pack.
        weights: Weights, gradients, states and copies of all members.
        batch: One batch, forwards and backwards, of the members that pass at once.
        judging: A chunk of pictures, forwards, of the same members.
        batch_size: Its pictures.
        device: cpu or cuda.
        libraries: What the libraries take once training begins.
    """

    pictures: int
    weights: int
    batch: int
    judging: int
    batch_size: int
    device: str
    libraries: int = LIBRARY_BYTES

    @property
    def total(self) -> int:
        """All of it."""
        return self.pictures + self.weights + max(self.batch, self.judging) + self.libraries

    @property
    def needed(self) -> int:
        """What must be there: without the pictures where they are mapped from a file."""
        return self.total - (self.pictures if self.device == "cpu" else 0)

    def __str__(self) -> str:
        passing = f"a batch of {self.batch_size:,}" if self.batch >= self.judging else "pictures to judge by"
        return (
            f"Training takes about {in_words(self.total)} of memory: {in_words(self.pictures)} of pictures, "
            f"{in_words(self.weights)} of weights, gradients and states, {in_words(max(self.batch, self.judging))} for "
            f"{passing}, and {in_words(self.libraries)} for libraries."
        )


def memory_of(
    network: nn.Module,
    rule: Rule | None,
    shape: tuple[int, int, int],
    *,
    batch_size: int,
    pictures: int,
    members: int = 1,
    copies: int = 0,
    at_once: int = 1,
    judged: int = 0,
    compiles: bool = False,
    number_bytes: int = 1,
) -> Memory:
    """Estimate a training.

    Args:
        network: One member's, of the device and type that it trains in; nothing of it is changed.
        rule: The update rule; None for a minimizer, whose history is not counted.
        shape: C, S, S of the pictures.
        batch_size: Pictures in a step.
        pictures: Rows of the pack.
        members: K.
        copies: Copies of the weights that an ensemble keeps, for each member.
        at_once: Members whose batches are in memory at the same time.
        judged: Pictures that are judged at a time; 0 where none are.
        compiles: Whether the update may be compiled.
        number_bytes: Of a stored number of the pictures.

    Example:
        >>> from ravine.optim.adam import Adam
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
        >>> found = memory_of(network, Adam(), (3, 2, 2), batch_size=10, pictures=1000, members=4)
        >>> found.pictures, found.weights == 4 * 65 * 4 * (1 + 1 + 2 + 1)
        (12000, True)
    """
    like = next(network.parameters())
    saved, pixel = _saved(network, shape), shape[0] * shape[1] * shape[2]
    largest, read = max(saved, default=0) / SAMPLE, pixel * (number_bytes + like.element_size())
    return Memory(
        pictures=pictures * pixel * number_bytes,
        weights=members * _bytes_of_member(network, rule, copies),
        batch=int(at_once * batch_size * (sum(saved) / SAMPLE + largest + read) * GAPS.get(like.device.type, 1.0)),
        judging=int(at_once * judged * (ON_THE_WAY * largest + read)),
        batch_size=batch_size,
        device=like.device.type,
        libraries=LIBRARY_BYTES + COMPILER_BYTES * compiles,
    )


def _bytes_of_member(network: nn.Module, rule: Rule | None, copies: int) -> int:
    """Weights, their gradients and copies, and the states of the rule."""
    like, layout = next(network.parameters()), layout_of(network)
    judging = 2 if rule and rule.averages else 1  # those trained, beside those to be judged
    matrices = 2 + judging + copies + TEMPORARIES.get(like.device.type, 0)
    states = _entries(rule.init(like.new_empty(1, layout.size, device="meta"), layout)) if rule else 0
    return like.element_size() * (matrices * layout.size + states)


def check_memory(memory: Memory, available: int | None) -> None:
    """Refuse a training that would not fit.

    Args:
        memory: The estimate.
        available: Bytes; None where the system does not say. See `ravine.device.available`.

    Raises:
        PlanError: It needs more; the message has the numbers.
    """
    if available is not None and memory.needed > available:
        raise PlanError(
            f"{memory} Of this, {in_words(memory.needed)} must be free, and {in_words(available)} are. "
            f"Choose a smaller {'batch_size, ' * (memory.batch >= memory.judging)}picture.size, model or members."
        )


def in_words(size: int) -> str:
    """Bytes in the unit that fits.

    Example:
        >>> in_words(999), in_words(1_500_000), in_words(23_400_000_000)
        ('1 kB', '1.5 MB', '23.4 GB')
    """
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_:
            amount = size / bytes_
            return f"{amount:,.0f} {unit}" if amount >= 100 else f"{amount:.3g} {unit}"
    return f"{-(-size // 1000)} kB"


def _entries(states: Mapping[str, Tensor]) -> int:
    return sum(state.numel() for state in states.values())


def _saved(network: nn.Module, shape: tuple[int, int, int]) -> list[int]:
    """The bytes of each tensor that a forward pass of a few pictures saves for the backward pass."""
    like = next(network.parameters())
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    seen: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        seen.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    pixels = torch.zeros(SAMPLE, *shape, dtype=like.dtype, device=like.device)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = mean_loss(network, pixels, torch.zeros(SAMPLE, dtype=torch.int64, device=like.device))
    sizes = [tensor.untyped_storage().nbytes() for place, tensor in seen.items() if place not in own]
    del loss
    for buffer, before in buffers:
        buffer.copy_(before)
    return sizes
