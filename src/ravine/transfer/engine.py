"""Which program carries out the frozen body: eager PyTorch, the same compiled, or ONNX Runtime.

A faster program has to be made first: exporting EfficientNet-Lite0 took 9 to 24 s, compiling it 42 to 48 s.
So one is made only where it should save more than that on the pictures that are left, and used only where it answers
as eager PyTorch does and has won a short race. An exported file is kept for the next data set.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

Answer = Callable[[Tensor], Tensor]
"""Pictures [n, C, S, S] → features [n, D]."""

TIE = 0.97
"""Another program must take less than this share of eager PyTorch's time."""

TOLERANCE = 1e-3
"""The greatest distance between the features of a picture, relative to their norm, at any depth."""


@dataclass(frozen=True)
class Candidate:
    """A program that could be made.

    Attributes:
        name: What it is called.
        seconds: What making it is expected to take.
        speed_up: How many times as fast as eager PyTorch it is expected to be.
        make: Makes it.
    """

    name: str
    seconds: float
    speed_up: float
    make: Callable[[], Answer]


@dataclass(frozen=True)
class Engine:
    """The program that was chosen.

    Attributes:
        name: eager, compiled, or onnx runtime.
        answer: The program.
        rates: Pictures a second of all that raced, by name.
        making: Seconds that making each took.
        reason: Why this one, in a sentence.
    """

    name: str
    answer: Answer
    rates: Mapping[str, float]
    making: Mapping[str, float]
    reason: str


def choose_engine(
    eager: Answer,
    candidates: Sequence[Candidate],
    sample: Tensor,
    pictures: int,
    columns: Sequence[slice] = (slice(None),),
    seconds: float = 2.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Engine:
    """Choose the program that is done first.

    Args:
        eager: What the others must agree with.
        candidates: Programs that could be made; the first that should pay is made, the next only if that one fails.
        sample: Pictures as they will come, [n, C, S, S].
        pictures: How many are left.
        columns: Groups of features that must each agree.
        seconds: About how long the race takes.
        clock: Gives seconds.
    """
    expected = eager(sample)
    alone = _seconds(eager, sample, clock) / len(sample)
    making: dict[str, float] = {}
    said = f"{pictures:,} pictures take eager PyTorch about {pictures * alone:.0f} s, too little for another program"
    for one in candidates:
        saving = pictures * alone * (1 - 1 / one.speed_up)
        if saving <= one.seconds:
            continue
        began = clock()
        try:
            answer = one.make()
            found = answer(sample)
        except Exception as wrong:  # exporters and compilers fail in ways of their own; eager PyTorch remains
            said = f"{one.name} could not be made ({type(wrong).__name__})"
            continue
        making[one.name] = clock() - began
        if agree(found, expected, columns):
            return _race(eager, one.name, answer, sample, seconds, clock, making)
        said = f"{one.name} gave other features"
    return Engine("eager", eager, {"eager": 1 / alone}, making, f"{said}.")


def agree(found: Tensor, expected: Tensor, columns: Sequence[slice] = (slice(None),)) -> bool:
    """Whether features [n, D] are the same within `TOLERANCE`, picture by picture and group by group.

    Example:
        >>> import torch
        >>> one = torch.tensor([[3.0, 4.0]])
        >>> agree(one + 0.001, one), agree(one + 0.1, one)
        (True, False)
    """
    if found.shape != expected.shape:
        return False
    return all(
        bool(((found[:, part] - expected[:, part]).norm(dim=1) <= TOLERANCE * expected[:, part].norm(dim=1)).all())
        for part in columns
    )


def _race(
    eager: Answer,
    name: str,
    other: Answer,
    sample: Tensor,
    seconds: float,
    clock: Callable[[], float],
    making: Mapping[str, float],
) -> Engine:
    """The faster of two programs, which take turns, so that a disturbance of the machine meets both."""
    both = {"eager": eager, name: other}
    times = dict.fromkeys(both, float("inf"))
    end, rounds = clock() + seconds, 0
    while rounds < 2 or clock() < end:
        for each, answer in both.items():
            times[each] = min(times[each], _seconds(answer, sample, clock))
        rounds += 1
    winner = name if times[name] < TIE * times["eager"] else "eager"
    rates = {each: len(sample) / took for each, took in times.items()}
    told = " and ".join(f"{rate:.0f} with {each}" for each, rate in rates.items())
    reason = f"Pictures a second: {told}; making {name} took {making[name]:.1f} s."
    return Engine(winner, both[winner], rates, making, reason)


def _seconds(answer: Answer, sample: Tensor, clock: Callable[[], float]) -> float:
    """Seconds of one call; a number is read, so that a GPU has finished."""
    began = clock()
    answer(sample).sum().item()
    return max(clock() - began, 1e-9)
