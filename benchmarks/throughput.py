"""Pictures a second of Ravine's training loop, against a loop that is written and tuned by hand for this network.

Both get the preset's network, optimizer, schedule, penalty and batch size for Fashion-MNIST, the same first weights,
pictures, order and threads, and the same memory allocator, in one process. Their losses are compared, step by step,
before anything is timed. Then they take turns, in blocks of some seconds and an equal number of steps; what is shown
is the median of the ratios within a turn.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.data.fashion_mnist import SIDE, read
from benchmarks.peers import tuned_pytorch
from benchmarks.rates import interleaved, ratio
from benchmarks.table import Cell, show
from ravine.data.batches import Batches
from ravine.device.allocator import keep_freed_memory
from ravine.device.machine import threads, usable_cores
from ravine.interfaces import Rule
from ravine.models.small_cnn import SmallCNN
from ravine.optim.nesterov import Nesterov
from ravine.penalties.l2 import L2
from ravine.plan.plan import Plan
from ravine.plan.presets import Facts, propose
from ravine.schedules.one_cycle import OneCycle
from ravine.train.carrying import Wishes, carry_out
from ravine.train.loop import Loop
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

GOAL, TOLERANCE, COMPARED = 0.97, 1e-3, 20
CLASSES = 10


@dataclass(frozen=True)
class Task:
    """What is trained: the preset's plan, and the pictures."""

    plan: Plan
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    @classmethod
    def preset(cls, pictures: int) -> "Task":
        """What Ravine proposes for so many pictures of Fashion-MNIST."""
        x, y = read("train")
        facts = Facts(pictures, CLASSES, SIDE, same_size=True, grey=True, cores=usable_cores(), device="cpu")
        plan, _ = propose(facts, {})
        return cls(plan, x[:pictures, ..., None].copy(), y[:pictures].astype(np.int64))

    def batches(self) -> Batches:
        """Those of the preset."""
        everything = np.arange(len(self.labels))
        return Batches(self.images, self.labels, everything, batch_size=self.plan.batch_size or 0, seeds=(0,))


class Own:
    """Ravine's loop, at its first step."""

    def __init__(self, task: Task, steps: int) -> None:
        """Build it as `ravine fit` does."""
        plan, rule, schedule = task.plan, task.plan.optimizer, task.plan.schedule
        if not isinstance(rule, Rule) or schedule is None or plan.techniques:
            raise SystemExit(
                "The preset is no plain training in mini-batches any more; this benchmark does not fit it."
            )
        self.population = Population(plan.model, PictureShape(1, SIDE, CLASSES), [0])
        slabs = self.population.layout, self.population.theta, self.population.gradient
        stepper = Stepper(rule, schedule, plan.penalty or (), *slabs, steps, plan.compiled)
        self.loop = Loop(self.population, stepper, task.batches(), [0], plan.picture, epochs=1)
        carried = carry_out(self.population, self.loop.seen(self.loop.batches.at(0, 0), 0), steps, Wishes())
        self.loop.execution = carried.execution
        self.done = 0

    def step(self) -> Tensor:
        """Answers the loss, [1]."""
        epoch, number = divmod(self.done, len(self.loop.batches))
        losses = self.loop.step(number, epoch)
        self.loop.advance(1)
        self.done += 1
        return losses


class Tuned:
    """The hand-written loop, at its first step; the order of the pictures is drawn before."""

    def __init__(self, task: Task, steps: int, start: dict[str, Tensor]) -> None:
        """Give it first weights."""
        model = task.plan.model
        if not isinstance(model, SmallCNN):
            raise SystemExit("The preset is no small_cnn any more; this benchmark does not fit it.")
        network = tuned_pytorch.network(model.width, model.depth, SIDE, CLASSES)
        network.load_state_dict(dict(zip(network.state_dict(), start.values(), strict=True)))
        x, y = torch.from_numpy(task.images).movedim(-1, 1), torch.from_numpy(task.labels)
        self.loop = tuned_pytorch.Loop(network, x, y, steps, *_choices(task.plan))
        batches = task.batches()
        places = (divmod(step, len(batches)) for step in range(steps))
        self.rows = iter([torch.from_numpy(batches.rows(epoch, number)[0]) for epoch, number in places])

    def step(self) -> Tensor:
        """Answers the loss."""
        return self.loop.step(next(self.rows))


def _choices(plan: Plan) -> tuple[float, float, float, float]:
    """Rate, momentum, strength of the penalty, rise."""
    match plan.optimizer, plan.schedule, plan.penalty:
        case Nesterov(lr=rate, momentum=momentum), OneCycle(rise=rise), [L2(strength=strength)]:
            return _one(rate), _one(momentum), _one(strength), _one(rise)
    raise SystemExit("The preset is not nesterov with one_cycle and l2 any more; this benchmark does not fit it.")


def _one(value: float | tuple[float, ...]) -> float:
    """Of a population of one."""
    return value[0] if isinstance(value, tuple) else value


def pair(task: Task, steps: int) -> tuple[Own, Tuned]:
    """Both, from the same first weights."""
    own = Own(task, steps)
    start = {name: value.clone() for name, value in own.population.networks[0].state_dict().items()}
    return own, Tuned(task, steps, start)


def compared(task: Task, steps: int) -> tuple[float, float]:
    """How far losses of the first steps are apart, relative, and the seconds of a hand-written step."""
    own, tuned = pair(task, steps)
    expected, began = [], 0.0
    for step in range(COMPARED):
        if step == COMPARED // 2:
            began = time.perf_counter()
        expected.append(tuned.step().item())
    seconds = (time.perf_counter() - began) / (COMPARED - COMPARED // 2)
    found = [own.step().item() for _ in range(COMPARED)]
    return float(np.abs(np.array(found) / np.array(expected) - 1).max()), seconds


def block(step: Callable[[], Tensor], steps: int, size: int) -> Callable[[], int]:
    """So many steps; answers the pictures."""

    def run() -> int:
        for _ in range(steps):
            step()
        return steps * size

    return run


def throughput(pictures: int, blocks: int, seconds: float) -> None:
    """Compare, measure and print.

    Args:
        pictures: For training, from the first.
        blocks: Of each loop, besides one that is left out.
        seconds: Of a block, about.
    """
    keep_freed_memory()
    task, cores = Task.preset(pictures), usable_cores()
    size, whole = task.plan.batch_size or 0, (task.plan.epochs or 0) * len(task.batches())
    with threads(cores):
        apart, step_seconds = compared(task, whole)
        print(f"\nLosses of the first {COMPARED} steps: at most {apart:.1e} apart, relative (allowed: {TOLERANCE:g})")
        if not apart <= TOLERANCE:
            raise SystemExit("The two loops do not compute the same; rates would mean nothing.")
        steps = max(1, round(seconds / step_seconds))
        own, tuned = pair(task, max(whole, (blocks + 1) * steps))
        candidates = {"ravine": block(own.step, steps, size), "hand-tuned": block(tuned.step, steps, size)}
        rates = interleaved(candidates, blocks)
    rows: list[list[Cell]] = [[name, *map(round, _spread(found))] for name, found in rates.items()]
    title = f"Pictures a second, {blocks} blocks of {steps} steps of {size} pictures, {cores} threads"
    show(title, ("loop", "median", "lowest", "highest"), rows)
    ratios = [one / two for one, two in zip(rates["ravine"], rates["hand-tuned"], strict=True)]
    print(
        f"\nMedian of the ratios: {ratio(rates, 'ravine', 'hand-tuned'):.3f} (goal: at least {GOAL}), "
        f"from {min(ratios):.3f} to {max(ratios):.3f}"
    )


def _spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)
