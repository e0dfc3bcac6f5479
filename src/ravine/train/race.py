"""Which execution is the fastest: each takes the same passes, in turn, on a real batch."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from ravine.plan.rungs import Way
from ravine.train.execution import Execution, Looped, Seen
from ravine.train.spread import Spread
from ravine.train.stacked import Stacked
from ravine.train.state import Population

Name = TypeVar("Name", bound=str)

TIE = 0.97
"""Another execution must take less than this share of the first one's time, else the first is taken."""

RACE_SHARE = 0.03
"""Of the time of a training, the most that a race takes."""

TOLERANCE = 1e-3
"""How far the losses of another execution may be apart from the first one's, relative; more is a fault."""

STACKED_BYTES = 1 << 30
"""What the members side by side may keep between their forward and backward pass, at the most."""


def executions(population: Population, sample: Seen) -> dict[Way, Execution]:
    """The executions that are possible, by name; `Looped` is the first.

    Args:
        population: The members.
        sample: What they see of a batch.
    """
    cores = torch.get_num_threads() if population.theta.device.type == "cpu" else 1
    parts = min(cores, population.members)
    found: dict[Way, Execution] = {"looped": Looped(population)}
    if population.members == 1:
        return found
    if parts > 1:
        found["spread"] = Spread(population, Looped, population.members, parts)
    if Stacked.refuses(population) is None and kept_bytes(population, sample) <= STACKED_BYTES:
        found["stacked"] = Stacked(population)
        if parts > 1:
            found["spread_stacked"] = Spread(population, Stacked, parts, parts)
    return found


def choose(
    population: Population,
    candidates: Mapping[Name, Execution],
    sample: Seen,
    seconds: float = 1.0,
    clock: Callable[[], float] = time.perf_counter,
    remaining: int | None = None,
) -> Name:
    """The name of the fastest execution. The race leaves no trace in weights, gradients, buffers or random numbers.

    Args:
        population: The members.
        candidates: By name; the first is taken on a tie, and its losses are what the others must give.
        sample: What the members see of a batch.
        seconds: About how long it may take; every candidate takes two passes at the least.
        clock: Gives seconds.
        remaining: Steps of the training to come, of whose time the race takes a small share at the most; None for no
            such limit.
    """
    if len(candidates) == 1:
        return next(iter(candidates))
    steps = [0] * population.members
    with _restored(population):
        found = {name: one.losses(sample, steps) for name, one in candidates.items()}
        first = next(iter(found.values()))
        right = {name: candidates[name] for name, losses in found.items() if _alike(losses, first)}
        if len(right) == 1:
            return next(iter(right))
        passes = {name: partial(one.losses, sample, steps) for name, one in right.items()}
        times = _times(passes, seconds, clock, remaining)
    return fastest(times)


def fastest(times: Mapping[Name, Sequence[float]]) -> Name:
    """The name with the smallest median; the first name on a tie.

    Example:
        >>> fastest({"looped": [1.0, 1.0, 5.0], "stacked": [0.98, 0.98, 0.98], "spread": [2.0, 2.0, 2.0]})
        'looped'
    """
    medians = {name: statistics.median(values) for name, values in times.items()}
    first, best = next(iter(medians)), min(medians, key=medians.__getitem__)
    return best if medians[best] < TIE * medians[first] else first


def _times(
    passes: Mapping[Name, Callable[[], Tensor]], seconds: float, clock: Callable[[], float], remaining: int | None
) -> dict[Name, list[float]]:
    """Seconds of every candidate, one pass of each in turn, so that a disturbance of the machine meets all of them."""
    times: dict[Name, list[float]] = {name: [] for name in passes}
    spent = 0.0
    while spent == 0.0 or spent < seconds:
        for name, one in passes.items():
            begin = clock()
            one().sum().item()
            times[name].append(clock() - begin)
            spent += times[name][-1]
        if remaining is not None:
            seconds = min(seconds, RACE_SHARE * remaining * next(iter(times.values()))[0])
    return times


def _alike(losses: Tensor, first: Tensor) -> bool:
    return torch.allclose(losses, first, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


@contextmanager
def _restored(population: Population) -> Iterator[None]:
    """Put everything that a pass changes back afterwards."""
    buffers = [buffer for network in population.networks for buffer in network.buffers()]
    changed = [population.gradient, population.buffers, *buffers]
    kept = [one.clone() for one in changed]
    steps = [member.draws.step for member in population.techniques]
    yield
    for one, value in zip(changed, kept, strict=True):
        one.copy_(value)
    for member, step in zip(population.techniques, steps, strict=True):
        member.draws.step = step


def kept_bytes(population: Population, sample: Seen) -> int:
    """What the members side by side would keep between their forward and backward pass: K times what one keeps."""
    kept: dict[int, int] = {}

    def noted(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with _restored(population), torch.autograd.graph.saved_tensors_hooks(noted, lambda tensor: tensor):
        population.networks[0](sample[0][0])
    kept.pop(population.theta.untyped_storage().data_ptr(), None)
    return population.members * sum(kept.values())
