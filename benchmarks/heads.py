"""Time of many linear heads on the same features: fitted together, one alone, and in a loop of scikit-learn.

    python -m benchmarks.heads --pictures 2000 --features 320 --classes 10 --heads 100

Every head has its own penalty and leaves out its own fold. scikit-learn is timed on a sample of the heads, at the
tolerance at which its objective is within 10⁻⁶ of the best one known, and its time is multiplied.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ravine.optim.second_order.lbfgs import LBFGS
from ravine.transfer.heads import fit_heads
from ravine.transfer.neighbours import leave_one_out
from ravine.transfer.ridge import fit_ridge

TOLERANCES = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)


class Problem(NamedTuple):
    """Features, labels, and for each head its penalty and the pictures that it is fitted to."""

    x: np.ndarray
    y: np.ndarray
    classes: int
    penalties: np.ndarray
    masks: np.ndarray


def problem(pictures: int, features: int, classes: int, heads: int, seed: int = 0) -> Problem:
    """Features as pooled networks have them: positive, correlated, with a spectrum that falls as a power."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, classes, pictures)
    basis = generator.normal(size=(features, features)) * np.arange(1, features + 1) ** -0.7
    hidden = generator.normal(size=(pictures, features)) + 0.3 * generator.normal(size=(classes, features))[y]
    x = np.maximum(0.5 * hidden @ basis.T, 0).astype(np.float32)
    folds = generator.integers(0, 5, (-(-heads // 5), pictures))
    masks = np.stack([folds[head // 5] != head % 5 for head in range(heads)])
    return Problem(x, y, classes, np.geomspace(1e-4, 0.3, heads), masks)


def objective(given: Problem, head: int, weight: np.ndarray, bias: np.ndarray) -> float:
    rows = given.masks[head]
    z = given.x[rows].astype(np.float64) @ weight.T.astype(np.float64) + bias.astype(np.float64)
    losses = -log_softmax(z, axis=1)[np.arange(len(z)), given.y[rows]]
    return float(losses.mean() + given.penalties[head] / 2 * (weight.astype(np.float64) ** 2).sum())


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def scikit_learn(given: Problem, head: int, least: float) -> tuple[float, float]:
    """Seconds of the loosest tolerance that comes within 10⁻⁶ of the least value, and the relative excess there."""
    rows = given.masks[head]
    x, y = given.x[rows].astype(np.float64), given.y[rows]
    took, excess = 0.0, np.inf
    for tolerance in TOLERANCES:
        model = LogisticRegression(C=1 / (given.penalties[head] * len(y)), tol=tolerance, max_iter=20_000)
        took = seconds(lambda one=model: one.fit(x, y))
        excess = objective(given, head, model.coef_, model.intercept_) / least - 1
        if excess < 1e-6:
            break
    return took, excess


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("pictures", 2_000), ("features", 320), ("classes", 10), ("heads", 100), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--sample", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    warnings.simplefilter("ignore", ConvergenceWarning)
    given = problem(asked.pictures, asked.features, asked.classes, asked.heads)
    with threadpool_limits(asked.threads):
        report(given, asked.heads, asked.sample)


def report(given: Problem, heads: int, sample: int) -> None:
    x, y, classes, penalties, masks = given
    began = time.perf_counter()
    fitted = fit_heads(x, y, classes, penalties, masks, LBFGS())
    together = time.perf_counter() - began
    places = np.linspace(0, heads - 1, sample).astype(int)
    alone, loop, excess = [], [], []
    for head in places:
        alone.append(seconds(lambda one=head: fit_heads(x, y, classes, penalties[[one]], masks[[one]], LBFGS())))
        took, over = scikit_learn(given, head, objective(given, head, fitted.weight[head], fitted.bias[head]))
        loop.append(took)
        excess.append(over)
    print(f"{len(y)} pictures, {x.shape[1]} features, {classes} classes")
    print(f"{heads} heads together: {together:.2f} s; one alone: {np.mean(alone):.2f} s on average")
    print(f"scikit-learn, {heads} times the mean of {sample}: {heads * np.mean(loop):.1f} s; excess {max(excess):.0e}")
    print(f"together: {together / np.mean(alone):.1f} times one, {heads * np.mean(loop) / together:.0f} times as fast")
    ridge = seconds(lambda: fit_ridge(x, y, classes, np.geomspace(1e-5, 10, 20)))
    near = seconds(lambda: leave_one_out(x, y, classes))
    print(f"20 ridge penalties with left-out answers: {ridge:.2f} s; nearest neighbours: {near:.2f} s")


if __name__ == "__main__":
    main()
