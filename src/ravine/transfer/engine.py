"""Which program carries out the frozen body: eager PyTorch, the same compiled, or ONNX Runtime.

A faster program has to be made first: exporting EfficientNet-Lite0 took 9 to 24 s, compiling it 42 to 48 s. So one is
made only where it should save more than that on the pictures that are left, and used only where it answers as eager
PyTorch does and has won a short race. An exported file is kept for the next data set.

Programs are raced on one core, since each core computes shares of the pictures by itself.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

Answer = Callable[[Tensor], Tensor]
"""Pictures [n, C, S, S] → features [n, D]."""

TIE = 0.97
"""Another program must take less than this share of the time of the fastest so far."""

RACE_SECONDS, RACE_SHARE = 1.0, 0.02
"""About how long a race of two takes at most, and as a share of what all pictures take."""

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
        rates: Pictures a second of all that raced, by name, each on one core.
        making: Seconds that making each took.
        reason: Why this one, in a sentence or two.
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
    cores: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Engine:
    """Choose the program that is done first.

    Args:
        eager: What the others must agree with.
        candidates: Programs that could be made. One is made where it should save more than making it takes, in
            comparison with the fastest so far; first the one that should save most.
        sample: Pictures as they will come, [n, C, S, S].
        pictures: How many are left.
        columns: Groups of features that must each agree.
        cores: How many compute shares of the pictures at the same time.
        clock: Gives seconds.
    """
    expected = eager(sample)
    found = _Found({"eager": len(sample) / _seconds(eager, sample, clock)})
    best, answer, work = "eager", eager, pictures / cores

    def saving(one: Candidate) -> float:
        return work / found.rates[best] - work / (found.rates["eager"] * one.speed_up) - one.seconds

    for one in sorted(candidates, key=saving, reverse=True):
        other = _made(one, sample, expected, columns, found, clock) if saving(one) > 0 else None
        if other:
            seconds = min(RACE_SECONDS, RACE_SHARE * work / found.rates[best])
            found.rates[best], found.rates[one.name] = _race(answer, other, sample, seconds, clock)
            if found.rates[best] < TIE * found.rates[one.name]:
                best, answer = one.name, other
    return Engine(best, answer, found.rates, found.making, _reason(pictures, work, found))


@dataclass(frozen=True)
class _Found:
    """What was found so far: rates and seconds of making as of `Engine`, and what failed, in words."""

    rates: dict[str, float]
    making: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def _made(
    one: Candidate,
    sample: Tensor,
    expected: Tensor,
    columns: Sequence[slice],
    found: _Found,
    clock: Callable[[], float],
) -> Answer | None:
    """A program that answers what is expected; None where it cannot be made or does not."""
    began = clock()
    try:
        answer = one.make()
        features = answer(sample)
    except Exception as wrong:  # exporters and compilers fail in ways of their own; eager PyTorch remains
        found.failed.append(f"{one.name} could not be made ({type(wrong).__name__})")
        return None
    found.making[one.name] = clock() - began
    if agree(features, expected, columns):
        return answer
    found.failed.append(f"{one.name} gave other features")
    return None


def _reason(pictures: int, work: float, found: _Found) -> str:
    others = "".join(f" {one[0].upper()}{one[1:]}." for one in found.failed)
    if len(found.rates) == 1:
        took = f"{pictures:,} pictures take eager PyTorch about {work / found.rates['eager']:.0f} s"
        return f"{took}.{others}" if others else f"{took}, too little for another program."
    told = " and ".join(f"{rate:.0f} with {name}" for name, rate in found.rates.items())
    made = " and ".join(f"making {name} took {found.making[name]:.1f} s" for name in found.rates if name != "eager")
    return f"Pictures a second and core: {told}; {made}.{others}"


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
    one: Answer, other: Answer, sample: Tensor, seconds: float, clock: Callable[[], float]
) -> tuple[float, float]:
    """Pictures a second of two programs, which take turns, so that a disturbance of the machine meets both."""
    times, end, rounds = [float("inf")] * 2, clock() + seconds, 0
    while rounds < 2 or clock() < end:
        times = [min(least, _seconds(each, sample, clock)) for least, each in zip(times, (one, other), strict=True)]
        rounds += 1
    return len(sample) / times[0], len(sample) / times[1]


def _seconds(answer: Answer, sample: Tensor, clock: Callable[[], float]) -> float:
    """Seconds of one call; a number is read, so that a GPU has finished."""
    began = clock()
    answer(sample).sum().item()
    return max(clock() - began, 1e-9)
