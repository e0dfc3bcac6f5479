"""Fractional max-pooling at test: averages over passes against the 2×2 pooling that it replaced; five seeds."""

from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.lecture.demo import SEEDS
from benchmarks.lecture.intervals import difference, interval
from benchmarks.lecture.pictures import Worth, said, worth
from benchmarks.lecture.regularizers import FEW, NETWORKS, trained
from benchmarks.table import Cell, show
from ravine.data.preprocess import Preprocess
from ravine.regularize.fractional_pool import AveragedPasses, HalvingPool

NETWORK, _ = NETWORKS["small_cnn"]
PASSES = (1, 2, 4, 8)


def answers(network: nn.Module, picture: Preprocess) -> dict[str, Worth]:
    """One trained network by the number of passes that are averaged, then with 2×2 regions."""
    found = {}
    if not isinstance(network, AveragedPasses):
        raise TypeError("A network trained with fractional pooling answers by several passes.")
    for passes in PASSES:
        found[f"mean of {passes}"] = worth(said(AveragedPasses(network.network, passes).eval(), picture, FEW))
    plain = deepcopy(network.network)
    for pool in plain.modules():
        if isinstance(pool, HalvingPool):
            pool.test_draws = None
    found["plain 2×2"] = worth(said(plain, picture, FEW))
    return found


def main() -> None:
    """The same five networks in every row but the last, which were trained with 2×2 pooling."""
    source, networks = trained(NETWORK | {"fractional_pool": True})
    found = [answers(network, source.plan.picture) for network in networks]
    usual, networks = trained(NETWORK)
    others = [worth(said(network, usual.plan.picture, FEW)) for network in networks]
    table = {name: [one[name] for one in found] for name in found[0]} | {"trained with 2×2, plain 2×2": others}
    base = table["plain 2×2"]
    rows: list[list[Cell]] = []
    for name, own in table.items():
        gains = [difference(_of(own, measure), _of(base, measure)) for measure in ("accuracy", "nll")]
        rows.append([name, interval(_of(own, "accuracy")), interval(_of(own, "nll")), *gains])
    heads = ("at test", "accuracy", "NLL", "accuracy, minus plain", "NLL, minus plain")
    show(f"Fractional pooling at test, {FEW:,} pictures, {SEEDS} seeds", heads, rows)


def _of(worths: list[Worth], measure: str) -> NDArray[np.float64]:
    return np.array([getattr(one, measure) for one in worths])
