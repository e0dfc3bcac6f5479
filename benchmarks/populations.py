"""Many members at once, against PyTorch that trains them one after another, and in two processes.

    python -m benchmarks.populations                 the table
    python -m benchmarks.populations --rounds 9

Everyone gets the same first weights, pictures, order of batches and learning rates. Before a time is shown, the same
training in double precision must lead Ravine and PyTorch to the same losses; in single precision Adam's first steps
blow up the last bits, between two layouts of the same pictures in PyTorch as well. A round is one training by everyone
in turn, so that a disturbance of the machine meets all; times are medians, ratios medians of the ratios within a round.
Start-up is left out everywhere: the processes of the peer are there and warm, and the kernel of the update is compiled,
whose seconds are shown.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.machine import machine
from benchmarks.table import Cell, show
from ravine.data.batches import Batches
from ravine.data.preprocess import Preprocess
from ravine.models.architecture import Architecture
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.optim.adam import Adam
from ravine.plan.rungs import Way
from ravine.schedules.constant import Constant
from ravine.train.loop import Loop
from ravine.train.race import choose, executions
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

PROCESSES = 2
CHECKED_STEPS = 50
TOLERANCE = 1e-9
"""Of the losses after these steps in double precision, relative."""

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes:
        name: For the table.
        architecture: Of all members.
        members: How many.
        batch_size: Pictures a step.
        steps: Of each member.
        size: Height and width of the pictures.
        sequential: How many times as fast as the members one after another this is to be, at the least.
        processes: The same against two processes.
    """

    name: str
    architecture: Architecture
    members: int
    batch_size: int
    steps: int
    size: int
    sequential: float
    processes: float

    @property
    def rates(self) -> list[float]:
        """A learning rate for each member, from 0.0003 to 0.003."""
        return np.geomspace(3e-4, 3e-3, self.members).tolist()

    def pictures(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """scikit-learn's digits, 8 pixels; or the same, larger."""
        images, labels = load_digits(return_X_y=True)
        grey = np.round(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
        places = np.arange(self.size) * 8 // self.size
        return grey[:, places][:, :, places, None], labels.astype(np.int64)

    def batches(self) -> Batches:
        """The same for all members."""
        images, labels = self.pictures()
        return Batches(images, labels, np.arange(len(labels)), batch_size=self.batch_size, seeds=(0,))


TASKS = (
    Task("64 × mlp 64-32-10, batch 32", MLP(width=32, depth=1), 64, 32, 114, 8, 20, 3),
    Task("64 × mlp 64-64-10, batch 64", MLP(width=64, depth=1), 64, 64, 58, 8, 8, 3),
    Task("8 × small_cnn, batch 32", SmallCNN(), 8, 32, 8, 28, 1.25, 0.97),
)


class Ravine:
    """The population in Ravine's own loop."""

    def __init__(self, task: Task, compiled: bool, dtype: torch.dtype = torch.float32, name: Way | None = None) -> None:
        """Compile the update if wanted, and choose the execution if it has no name yet."""
        self.task = task
        self.population = Population(
            task.architecture, PictureShape(1, task.size, 10), range(task.members), dtype=dtype
        )
        self.start = [_weights(network) for network in self.population.networks]
        slabs = self.population.layout, self.population.theta, self.population.gradient
        rule = Adam(lr=tuple(task.rates))
        self.stepper = Stepper(rule, Constant(), [], *slabs, total_steps=task.steps, compiled=compiled)
        self.before = self.stepper.state_dict()
        self.compile_seconds = timed(self.stepper.step)
        loop = self.loop()
        sample = loop.seen(loop.batches.at(0, 0), 0)
        candidates = executions(self.population, sample)
        self.name: Way = name or choose(self.population, candidates, sample)
        self.execution = candidates[self.name]

    def loop(self) -> Loop:
        """A training at its beginning."""
        for network, weights in zip(self.population.networks, self.start, strict=True):
            network.load_state_dict(weights)
        self.stepper.load_state_dict(self.before)
        streams, picture = [0] * self.task.members, Preprocess(self.task.size, 1)
        return Loop(self.population, self.stepper, self.task.batches(), streams, picture, epochs=1)

    def train(self, loop: Loop) -> None:
        """All steps."""
        loop.execution = self.execution
        for step in range(self.task.steps):
            epoch, number = divmod(step, len(loop.batches))
            loop.step(number, epoch)

    def losses(self) -> NDArray[np.float64]:
        """Of every member at the end."""
        x, y = tensors(self.task)
        return final_losses(self.population.networks, x.to(self.population.theta.dtype), y)


def _weights(network: nn.Module) -> Weights:
    return {name: value.clone() for name, value in network.state_dict().items()}


def tensors(task: Task) -> tuple[Tensor, Tensor]:
    """All pictures as a network reads them, and labels."""
    images, labels = task.pictures()
    picture = Preprocess(task.size, 1)
    return picture.normalise(torch.from_numpy(images).permute(0, 3, 1, 2)).contiguous(), torch.from_numpy(labels)


@torch.no_grad()
def final_losses(networks: Sequence[nn.Module], x: Tensor, y: Tensor) -> NDArray[np.float64]:
    """Over all pictures, with the batch norms as in training."""
    return np.array([cross_entropy(network.train()(x), y).item() for network in networks])


def trained(task: Task, start: Sequence[Weights], rates: Sequence[float], x: Tensor, y: Tensor) -> list[nn.Module]:
    """Members one after another, as they are written in PyTorch."""
    batches, networks = task.batches(), []
    steps = [divmod(step, len(batches)) for step in range(task.steps)]
    order = [torch.from_numpy(batches.rows(epoch, number)[0]) for epoch, number in steps]
    for weights, rate in zip(start, rates, strict=True):
        network = task.architecture.build(1, task.size, 10).to(x.dtype)
        network.load_state_dict(weights)
        optimizer = torch.optim.Adam(network.parameters(), lr=rate, fused=True)
        for rows in order:
            optimizer.zero_grad()
            cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        networks.append(network)
    return networks


def seconds_elsewhere(task: Task, start: Sequence[Weights], rates: Sequence[float]) -> float:
    """What a process takes for its share."""
    x, y = tensors(task)
    return timed(lambda: trained(task, start, rates, x, y))


def apart(task: Task, name: Way) -> float:
    """How far Ravine's losses are from PyTorch's after the same training in double precision, relative."""
    short = replace(task, steps=min(task.steps, CHECKED_STEPS))
    ravine = Ravine(short, compiled=False, dtype=torch.float64, name=name)
    ravine.train(ravine.loop())
    x, y = tensors(task)
    expected = final_losses(trained(short, ravine.start, short.rates, x.double(), y), x.double(), y)
    return float(np.abs(ravine.losses() / expected - 1).max())


def timed(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def in_processes(task: Task, start: Sequence[Weights], pool: ProcessPoolExecutor) -> float:
    """The seconds of the slower process."""
    shares = [slice(number, None, PROCESSES) for number in range(PROCESSES)]
    starts, rates = ([values[share] for share in shares] for values in (start, task.rates))
    return max(pool.map(seconds_elsewhere, [task] * PROCESSES, starts, rates))


def one_round(task: Task, ravine: Ravine, pool: ProcessPoolExecutor) -> dict[str, float]:
    """The seconds of everyone."""
    x, y = tensors(task)
    loop = ravine.loop()
    return {
        "ravine": timed(lambda: ravine.train(loop)),
        "sequential": timed(lambda: trained(task, ravine.start, task.rates, x, y)),
        "processes": in_processes(task, ravine.start, pool),
    }


def ratio(rounds: Sequence[dict[str, float]], name: str) -> float:
    """How many times as long another one took as Ravine."""
    return statistics.median(times[name] / times["ravine"] for times in rounds)


def row(task: Task, compiled: bool, pool: ProcessPoolExecutor, rounds: int) -> list[Cell]:
    ravine = Ravine(task, compiled)
    difference = apart(task, ravine.name)
    if difference > TOLERANCE:
        raise SystemExit(f"{task.name}: the losses are {difference:.1e} apart; the times mean nothing.")
    times = [one_round(task, ravine, pool) for _ in range(rounds + 1)][1:]
    step = {name: 1e3 * statistics.median(one[name] for one in times) / task.steps for name in times[0]}
    return [
        task.name,
        ravine.name,
        f"{ravine.compile_seconds:.1f} s" if compiled else "no",
        *(round(step[name], 2) for name in ("ravine", "sequential", "processes")),
        f"{ratio(times, 'sequential'):.2f} (goal {task.sequential:g})",
        f"{ratio(times, 'processes'):.2f} (goal {task.processes:g})",
        f"{difference:.0e}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", type=int, choices=range(len(TASKS)), help="the number of a row, from 0")
    given = parser.parse_args()
    print(machine())
    tasks = TASKS if given.only is None else [TASKS[given.only]]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        rows = [row(task, compiled, pool, given.rounds) for task in tasks for compiled in (True, False)]
    heads = ["task", "execution", "compiled", "ravine", "one by one", "2 processes", "× one by one", "× 2 processes"]
    threads = torch.get_num_threads()
    show(f"Milliseconds of a step of all members, {threads} threads, {given.rounds} rounds", [*heads, "apart"], rows)


if __name__ == "__main__":
    main()
