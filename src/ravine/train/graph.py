"""How a network's forward and backward pass is carried out: eager, or as a static graph captured once.

    eager      each operation is carried out when Python comes to it
    compiled   the pass is captured once by `torch.compile` and reused; on a GPU as CUDA graphs
    auto       eager, unless measurements say that compiling repays (`ravine.train.graph_choice`)

The decision falls before the first step, on its batch, and leaves no trace in weights, gradients or statistics: a
training whose choice was measured has the bits of one whose plan says the same. A batch of another shape, such as the
last of an epoch, runs eager. Networks of one kind share one compiled graph, so that members and a refit cost nothing
more.

Whatever draws random numbers inside a network keeps it eager: numbers that Python generators give would become
constants of the graph, and torch's own would be others than eager ones.
"""

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from ravine.train.graph_choice import Timing, compile_seconds, gains, why_not
from ravine.train.graph_memory import graph_directory, key_of, recall, remember
from ravine.train.precision import Precision, mean_loss

Wish = Literal["auto", "eager", "compiled"]
Choice = Literal["eager", "compiled"]
Loss = Callable[[nn.Module, Tensor, Tensor, Precision], Tensor]
Compiler = Callable[[str, str], Loss]
"""From the key of a network and batch, and a kind of device, to a compiled loss."""

WARM_UP, TIMED = 3, 5
"""Passes; CUDA graphs record in the second and replay from the third on."""

_log = logging.getLogger("ravine")


@cache
def compiled_loss(key: str, device: str) -> Loss:
    """The compiled mean loss of all networks with this key, one in a process; nothing is compiled before it is called.

    Args:
        key: See `key_of`.
        device: cpu or cuda.
    """
    del key
    # torch.compile counts recompilations per code object; a copy keeps one network's from counting for another's.
    function = FunctionType(mean_loss.__code__.replace(), mean_loss.__globals__, "loss", mean_loss.__defaults__)
    return torch.compile(function, dynamic=False, mode="reduce-overhead" if device == "cuda" else None)


class Graph:
    """Computes losses, eager or compiled.

    Attributes:
        choice: What it came to; None until the first batch. It belongs into the plan of the run.
        reason: Why, in a sentence. It belongs into the report.

    Example:
        >>> graph = Graph("eager")
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
        >>> graph.loss(network, torch.zeros(5, 1, 2, 2), torch.zeros(5, dtype=torch.int64), lambda: 100).backward()
        >>> graph.choice, graph.reason
        ('eager', 'The plan says so.')
    """

    def __init__(
        self,
        wish: Wish = "auto",
        blocked: str | None = None,
        precision: Precision = "full",
        folder: Path | None = None,
        compiler: Compiler = compiled_loss,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Nothing is decided yet.

        Args:
            wish: What the plan says.
            blocked: Why the network cannot be captured; None where it can. See `draws_inside`.
            precision: Of the network.
            folder: Where measurements are remembered; see `graph_directory`.
            compiler: What compiles.
            clock: What tells the time.
        """
        self.choice: Choice | None = None
        self.reason = ""
        self._wish, self._blocked, self._folder = wish, blocked, folder
        self._precision: Precision = precision
        self._compiler, self._clock = compiler, clock
        self._function: Loss | None = None
        self._shape: tuple[torch.Size, int] | None = None

    def loss(self, network: nn.Module, pixels: Tensor, targets: Tensor, remaining: Callable[[], int]) -> Tensor:
        """The mean cross-entropy of a batch; its backward pass adds to the gradients of the network.

        Args:
            network: From pictures to logits, in training mode.
            pixels: [N, C, S, S] in the type of the parameters.
            targets: int64 [N], or probabilities [N, classes].
            remaining: Gives the number of passes from this one on, of all members; asked once, for the decision.

        Returns:
            A scalar. On a GPU its memory is used again by the next pass: whoever keeps it copies it.
        """
        if self.choice is None:
            self._decide(network, pixels, targets, remaining)
        if self._function is None or (pixels.shape, targets.ndim) != self._shape:
            return mean_loss(network, pixels, targets, self._precision)
        if pixels.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        return self._function(network, pixels, targets, self._precision)

    def _decide(self, network: nn.Module, pixels: Tensor, targets: Tensor, remaining: Callable[[], int]) -> None:
        if self._wish == "eager" or self._blocked:
            self._settle("eager", self._blocked if self._blocked and self._wish != "eager" else "The plan says so.")
            if self._blocked and self._wish == "compiled":
                _log.warning("The network stays eager. %s", self._blocked)
            return
        with _untouched(network):
            self._measure(network, (pixels, targets), remaining)

    def _measure(self, network: nn.Module, batch: tuple[Tensor, Tensor], remaining: Callable[[], int]) -> None:
        device, folder = batch[0].device.type, self._folder or graph_directory()
        key = key_of(network, *batch, self._precision)
        eager = statistics.median(self._seconds(mean_loss, network, batch) for _ in range(WARM_UP))
        if self._wish == "auto":
            known = recall(key, folder)
            reason = why_not(eager, remaining(), known, compile_seconds(network), device)
            if reason:
                self._settle("eager", reason)
                return
        compiled = self._compiled(key, network, batch)
        if compiled is None:
            return
        function, measured = compiled
        remember(key, measured, folder)
        kept, reason = gains(measured)
        if kept or self._wish == "compiled":
            self._function, self._shape = function, (batch[0].shape, batch[1].ndim)
            self._settle("compiled", reason if self._wish == "auto" else f"The plan says so. {reason}")
        else:
            self._settle("eager", reason)

    def _compiled(self, key: str, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Loss, Timing] | None:
        """Compile, and time eager and compiled passes in turn; None where compiling fails."""
        try:
            function = self._compiler(key, batch[0].device.type)
            cold = sum(self._seconds(function, network, batch) for _ in range(WARM_UP))
            pairs = [[self._seconds(one, network, batch) for one in (mean_loss, function)] for _ in range(TIMED)]
        except Exception as failure:  # the same pass was carried out eager just now, so that the compiler failed
            said = (str(failure).strip().splitlines() or [type(failure).__name__])[0]
            self._settle("eager", f"The network cannot be compiled here ({said}).")
            _log.warning("%s It runs eager, which gives the same answer.", self.reason)
            return None
        eager, compiled = (statistics.median(times) for times in zip(*pairs, strict=True))
        return function, Timing(cold, eager, compiled)

    def _seconds(self, loss: Loss, network: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
        device = batch[0].device
        begin = self._clock()
        if device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        loss(network, *batch, self._precision).backward()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return self._clock() - begin

    def _settle(self, choice: Choice, reason: str) -> None:
        self.choice, self.reason = choice, reason


def draws_inside(network: nn.Module) -> str | None:
    """Why a network cannot be captured, in a sentence; None where it can.

    Args:
        network: With the techniques of its member installed.
    """
    drawing = [type(module).__name__ for module in network.modules() if hasattr(module, "draws")]
    if drawing:
        return (
            f"{drawing[0]} acts inside the network, and what it draws at random in each step would become a constant "
            "of a captured graph."
        )
    if any(isinstance(module, _DropoutNd) and module.p > 0 for module in network.modules()):
        return "The network has dropout of its own, which a captured graph would draw otherwise."
    return None


@contextmanager
def _untouched(network: nn.Module) -> Iterator[None]:
    """Give gradients and buffers back as they were."""
    gradients = {parameter: parameter.grad for parameter in network.parameters()}
    tensors = [*network.buffers(), *(gradient for gradient in gradients.values() if gradient is not None)]
    kept = [tensor.detach().clone() for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in zip(tensors, kept, strict=True):
                tensor.copy_(before)
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
