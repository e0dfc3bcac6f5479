"""Update rules against torch's optimizers: results first, then times, in one run.

    python -m benchmarks.optimizers             the tables
    python -m benchmarks.optimizers --rounds 50 --only speed

Every candidate takes one step in turn, so that a disturbance of the machine meets all of them. Times are medians;
a ratio is the median of the ratios within a round, and "of fastest" is the ratio of the two fastest steps.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._dynamo.utils import counters

from ravine.base.layout import Layout
from ravine.interfaces import Rule
from ravine.optim.adagrad import Adagrad
from ravine.optim.adam import Adam
from ravine.optim.adamw import AdamW
from ravine.optim.lion import Lion
from ravine.optim.momentum import Momentum
from ravine.optim.nadam import NAdam
from ravine.optim.rmsprop import RMSProp
from ravine.schedules.constant import Constant
from ravine.schedules.cosine import Cosine
from ravine.train.step import Stepper

MEMBERS, SIZE = 16, 262_144
PLACEMENTS = 5
MEBIBYTE = 1 << 20
COLD = """
import time, torch
from benchmarks.optimizers import MEMBERS, SIZE, Adam, population
torch.set_num_threads({threads})
_, _, stepper = population(Adam(), SIZE, compiled=True)
begin = time.perf_counter()
stepper.step()
assert stepper.compiled
print(time.perf_counter() - begin)
"""


class ForLoopLion:
    """Lion as packages write it: in place, one parameter after another."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float]) -> None:
        self.parameters, self.lr, self.betas = list(parameters), lr, betas
        self.momenta = [torch.zeros_like(parameter) for parameter in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """One step of every parameter."""
        for p, m in zip(self.parameters, self.momenta, strict=True):
            update = m.clone().mul_(self.betas[0]).add_(p.grad, alpha=1 - self.betas[0]).sign_()
            p.add_(update, alpha=-self.lr)
            m.mul_(self.betas[1]).add_(p.grad, alpha=1 - self.betas[1])


@dataclass(frozen=True)
class Case:
    """A rule, torch's ways to do the same, and the bytes that the rule cannot but move for each parameter."""

    rule: Rule
    paths: dict[str, Callable[[list[Tensor]], Any]]
    bytes_a_parameter: int
    limit: float

    @property
    def name(self) -> str:
        """The rule's name."""
        return type(self.rule).__name__


def cases() -> list[Case]:
    optim = torch.optim
    fused: dict[str, Any] = {"fused": True}
    slow: dict[str, dict[str, Any]] = {"for-loop": {"foreach": False}, "foreach": {"foreach": True}}
    return [
        Case(Adam(), {"fused": lambda p: optim.Adam(p, **fused)}, 28, 1.05),
        Case(AdamW(), {"fused": lambda p: optim.AdamW(p, **fused)}, 28, 1.05),
        Case(Momentum(), {"fused": lambda p: optim.SGD(p, 1e-2, momentum=0.9, **fused)}, 20, 1.05),
        Case(Adagrad(), {"fused": lambda p: optim.Adagrad(p, **fused)}, 20, 1.05),
        Case(RMSProp(), {name: lambda p, o=own: optim.RMSprop(p, **o) for name, own in slow.items()}, 20, 1 / 3),
        Case(NAdam(), {name: lambda p, o=own: optim.NAdam(p, **o) for name, own in slow.items()}, 28, 1 / 3),
        Case(Lion(), {"for-loop": lambda p: ForLoopLion(p, 1e-4, (0.9, 0.99))}, 20, 1 / 3),
    ]


def population(rule: Rule, size: int, compiled: bool) -> tuple[Tensor, Tensor, Stepper]:
    """Parameters, gradients and stepper of all members, with random numbers."""
    generator = torch.Generator().manual_seed(0)
    theta, gradient = (torch.randn(MEMBERS, size, generator=generator) for _ in range(2))
    return theta, gradient, Stepper(rule, Constant(), [], Layout.flat(size), theta, gradient, 10**6, compiled)


def by_torch(make: Callable[[list[Tensor]], Any], theta: Tensor, gradient: Tensor) -> tuple[Tensor, Any]:
    """One parameter of the same total, and its optimizer."""
    parameter = torch.nn.Parameter(theta.reshape(-1).clone())
    parameter.grad = gradient.reshape(-1).clone()
    return parameter, make([parameter])


def interleaved(steps: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every step, one of each in turn."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for index in range(rounds + 3):
        for name, step in list(steps.items())[:: 1 if index % 2 else -1]:
            begin = time.perf_counter()
            step()
            if index >= 3:
                times[name].append(1e3 * (time.perf_counter() - begin))
    return times


def placed_anew(make: Callable[[], dict[str, Callable[[], Any]]], rounds: int) -> dict[str, list[float]]:
    """The times of several sets of arrays, since it matters by some percent where in memory an array happens to lie."""
    times: dict[str, list[float]] = {}
    for _ in range(PLACEMENTS):
        for name, values in interleaved(make(), rounds // PLACEMENTS).items():
            times.setdefault(name, []).extend(values)
    return times


def candidates(case: Case) -> dict[str, Callable[[], Any]]:
    """The compiled step, and torch's, each on arrays of its own."""
    theta, gradient, compiled = population(case.rule, SIZE, True)
    paths = {name: by_torch(make, theta, gradient)[1].step for name, make in case.paths.items()}
    return {"compiled": compiled.step, **paths}


def difference(case: Case, make: Callable[[list[Tensor]], Any]) -> float:
    """The largest difference after 10 steps, in units of the largest parameter."""
    theta, gradient, stepper = population(case.rule, SIZE, True)
    parameter, optimizer = by_torch(make, theta, gradient)
    for _ in range(10):
        stepper.step()
        optimizer.step()
    return float((theta.reshape(-1) - parameter.detach()).abs().max() / theta.abs().max())


def speed(rounds: int) -> None:
    print(f"\nOne step of [{MEMBERS}, {SIZE:,}] float32, milliseconds (median of {rounds}, interleaved)")
    heads = ["compiled", "torch", "path", "ratio", "of fastest", "goal", "uncompiled", "difference"]
    print(f"{'rule':10}" + "".join(f"{head:>11}" for head in heads))
    for case in cases():
        apart = difference(case, next(iter(case.paths.values())))
        if apart > 1e-6:
            raise SystemExit(f"{case.name} differs from torch by {apart:.1e}; its times mean nothing.")
        times = placed_anew(lambda case=case: candidates(case), rounds)
        medians = {name: statistics.median(values) for name, values in times.items()}
        path = min(case.paths, key=medians.__getitem__)
        ratio = statistics.median(own / other for own, other in zip(times["compiled"], times[path], strict=True))
        of_fastest = min(times["compiled"]) / min(times[path])
        plain = interleaved({"": population(case.rule, SIZE, False)[2].step}, 10)[""]
        print(
            f"{case.name:10}{medians['compiled']:11.2f}{medians[path]:11.2f}{path:>11}{ratio:11.2f}{of_fastest:11.2f}"
            f"{case.limit:11.2f}{statistics.median(plain):11.1f}{apart:11.0e}"
        )


def separate(rounds: int) -> None:
    theta, gradient, stepper = population(Adam(lr=tuple(1e-4 * (i + 1) for i in range(MEMBERS))), SIZE, True)
    parameters = [torch.nn.Parameter(row.clone()) for row in theta]
    for parameter, row in zip(parameters, gradient, strict=True):
        parameter.grad = row.clone()
    optimizers = [torch.optim.Adam([p], lr=1e-4 * (i + 1), fused=True) for i, p in enumerate(parameters)]
    times = interleaved({"one": stepper.step, "many": lambda: [optimizer.step() for optimizer in optimizers]}, rounds)
    one, many = (statistics.median(times[name]) for name in ("one", "many"))
    print(f"\n{MEMBERS} Adams with different rates: {one:.2f} ms; {MEMBERS} fused torch.optim.Adam: {many:.2f} ms")


def bandwidth(rounds: int) -> None:
    size = 4 * SIZE
    a, b = torch.randn(MEMBERS, size), torch.randn(MEMBERS, size)
    mebibytes = 4 * a.numel() / MEBIBYTE
    print(f"\nBytes moved a second, [{MEMBERS}, {size:,}] float32, {mebibytes:.0f} MiB an array; in-place add = 100 %")
    print(f"{'rule':10}{'MiB':>6}{'ms':>9}{'GB/s':>8}{'add':>8}{'share':>8}{'spread of add':>15}")
    for case in cases():
        _, _, stepper = population(case.rule, size, True)
        times = interleaved({"rule": stepper.step, "add": lambda: a.add_(b)}, rounds)
        rule, add = (statistics.median(times[name]) for name in ("rule", "add"))
        own, roof = (1e-6 * a.numel() * moved / ms for moved, ms in ((case.bytes_a_parameter, rule), (12, add)))
        share = statistics.median(
            one / other * case.bytes_a_parameter / 12 for one, other in zip(times["add"], times["rule"], strict=True)
        )
        low, _, high = statistics.quantiles(times["add"], n=4)
        arrays = mebibytes * (2 + len(stepper.state) - len(case.rule.start(stepper.hyperparameters)))
        print(f"{case.name:10}{arrays:6.0f}{rule:9.2f}{own:8.1f}{roof:8.1f}{share:8.0%}{(high - low) / add:15.0%}")


def recompilations() -> int:
    """Graphs compiled after the first, in 10,000 steps with rate, betas, step and mask moving."""
    size = 1_000
    theta, gradient = torch.randn(MEMBERS, size), torch.randn(MEMBERS, size)
    stepper = Stepper(Adam(), Cosine(), [], Layout.flat(size), theta, gradient, 10_000, compiled=True)
    before = counters["stats"]["unique_graphs"]
    for t in range(10_000):
        stepper.change(beta1=0.9 + 0.09 * t / 10_000, beta2=0.99 + 0.009 * t / 10_000)
        stepper.step(None if t % 3 else torch.arange(MEMBERS) != t % MEMBERS)
    return counters["stats"]["unique_graphs"] - before - 1


def cold_seconds() -> float:
    """Seconds of the first compiled step in a new process with empty caches."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": folder}
        command = [sys.executable, "-c", COLD.format(threads=torch.get_num_threads())]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(result.stdout)


def compiling(rounds: int) -> None:
    del rounds
    print(f"\nRecompilations in 10,000 steps: {recompilations()}")
    print(f"Cold compile: {cold_seconds():.1f} s")


def machine() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}, load {load}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", choices=["speed", "separate", "bandwidth", "compiling"])
    given = parser.parse_args()
    print(machine())
    for name, part in {"speed": speed, "separate": separate, "bandwidth": bandwidth, "compiling": compiling}.items():
        if given.only in (None, name):
            part(given.rounds)


if __name__ == "__main__":
    main()
