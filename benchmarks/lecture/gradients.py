"""Gradients by hand in NumPy against those of the graph, for a softmax network with one hidden layer."""

import ast
import inspect
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks.table import median, show

N, D, H, C = 256, 784, 256, 10


def by_hand(
    x: np.ndarray, y: np.ndarray, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray
) -> list[np.ndarray]:
    """Forward and backward pass, written out."""
    h = np.maximum(x @ w1 + b1, 0)
    z = h @ w2 + b2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dz = p.copy()
    dz[np.arange(len(y)), y] -= 1
    dz /= len(y)
    dw2 = h.T @ dz
    db2 = dz.sum(axis=0)
    dh = (dz @ w2.T) * (h > 0)
    return [x.T @ dh, dh.sum(axis=0), dw2, db2]


def by_graph(x: torch.Tensor, y: torch.Tensor, *parameters: torch.Tensor) -> list[torch.Tensor]:
    """Forward pass alone; the graph gives the rest."""
    w1, b1, w2, b2 = parameters
    loss = cross_entropy(torch.relu(x @ w1 + b1) @ w2 + b2, y)
    return list(torch.autograd.grad(loss, parameters))


def lines(function: Callable[..., object]) -> int:
    """Lines of a function's body, its docstring left out."""
    body = next(node for node in ast.parse(inspect.getsource(function)).body if isinstance(node, ast.FunctionDef)).body
    return (body[-1].end_lineno or 0) - body[1].lineno + 1


def main() -> None:
    """Compare results, then lines and milliseconds."""
    draw = np.random.default_rng(0)
    shapes = ((D, H), (H,), (H, C), (C,))
    x, y = draw.normal(size=(N, D)), draw.integers(0, C, N)
    parameters = [0.05 * draw.normal(size=shape) for shape in shapes]
    leaves = [torch.from_numpy(value).requires_grad_() for value in parameters]
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    pairs = zip(by_hand(x, y, *parameters), by_graph(*tensors, *leaves), strict=True)
    largest = max(float(np.abs(hand - graph.numpy()).max()) for hand, graph in pairs)
    times: dict[str, list[float]] = {"by hand": [], "by the graph": []}
    for _ in range(30):
        for name, call in (
            ("by hand", lambda: by_hand(x, y, *parameters)),
            ("by the graph", lambda: by_graph(*tensors, *leaves)),
        ):
            began = time.perf_counter()
            call()
            times[name].append(1e3 * (time.perf_counter() - began))
    rows = [
        ["by hand, NumPy", lines(by_hand), median(times["by hand"], 2)],
        ["by the graph, PyTorch", lines(by_graph), median(times["by the graph"], 2)],
    ]
    show(
        f"Gradients of {D}-{H}-{C}, {N} pictures, float64 (largest difference {largest:.0e})",
        ("way", "lines", "ms"),
        rows,
    )
