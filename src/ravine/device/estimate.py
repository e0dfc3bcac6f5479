"""How long a step takes at least on a device, from what was measured of the device and counted of the step.

CPU     launches + max(arithmetic, memory)          the program waits for each operation
GPU     max(launches, arithmetic, memory, copy)     all of it overlaps at best
"""

from dataclasses import dataclass

from ravine.device.probe import Probe


@dataclass(frozen=True)
class Work:
    """What one step of a training asks for.

    Attributes:
        operations: How many single operations, forwards and backwards.
        arithmetic: Multiplications and additions in products and convolutions.
        moved: Bytes that the operations read and write.
        copied: Bytes of the batch that go to a GPU.
    """

    operations: float
    arithmetic: float
    moved: float
    copied: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """The least time of a step, and what it is made of; seconds.

    Attributes:
        device: cpu or cuda.
        launches: Asking for the operations.
        arithmetic: Products and convolutions in float32.
        memory: Reading and writing.
        copy: The batch on its way to the GPU.
    """

    device: str
    launches: float
    arithmetic: float
    memory: float
    copy: float

    @property
    def seconds(self) -> float:
        """Of the step."""
        if self.device == "cpu":
            return self.launches + max(self.arithmetic, self.memory)
        return max(self.launches, self.arithmetic, self.memory, self.copy)

    @property
    def limit(self) -> str:
        """What most of the time goes into."""
        parts = {
            "launching operations": self.launches,
            "arithmetic": self.arithmetic,
            "reading and writing memory": self.memory,
            "copying the batch": self.copy,
        }
        return max(parts, key=lambda name: parts[name])


def estimate(probe: Probe, work: Work) -> Estimate:
    """The least time of a step on a measured device.

    Example:
        >>> cpu = Probe("cpu", "CPU", 1e11, None, 2e-6, 2e-6, 1e10)
        >>> found = estimate(cpu, Work(operations=100, arithmetic=1e9, moved=2e7))
        >>> round(found.seconds, 6), found.limit
        (0.0102, 'arithmetic')
    """
    return Estimate(
        probe.device,
        launches=work.operations * probe.launch_seconds,
        arithmetic=work.arithmetic / probe.float32,
        memory=work.moved / probe.bytes_per_second,
        copy=work.copied / probe.pageable if probe.pageable else 0.0,
    )


def which(estimates: list[Estimate]) -> tuple[str, str]:
    """The device that `auto` takes, and why, in a sentence or two.

    `auto` takes a CUDA device where there is one (see `choose_device`); where the estimates say that the CPU is faster
    for this plan, the answer says so.

    Args:
        estimates: One a device, the CPU first.
    """
    cpu, *others = estimates
    if not others:
        return "cpu", "There is no CUDA device."
    gpu = others[0]
    words = (
        f"A step takes at least {_milliseconds(gpu)} there, mostly {gpu.limit}, and at least {_milliseconds(cpu)} on "
        f"the CPU, mostly {cpu.limit}."
    )
    if gpu.seconds > cpu.seconds:
        words += " By these numbers the CPU is the faster one for this plan: give --device cpu to fit."
    return "cuda", words


def _milliseconds(one: Estimate) -> str:
    return f"{1000 * one.seconds:.3g} ms"
