"""What a frozen body says of each picture, computed once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.data.audit import Audit
from ravine.data.preprocess import Preprocess
from ravine.data.workers import Advance
from ravine.device.machine import threads
from ravine.train.evaluate import first_share, shares
from ravine.transfer.engine import Engine, choose_engine
from ravine.transfer.programs import programs, without_norms
from ravine.transfer.store import exported_path, feature_store
from ravine.transfer.views import View


@dataclass(frozen=True)
class Features:
    """Features of some pictures.

    Attributes:
        values: [n, D], as they are stored.
        computed: How many pictures were computed; the others were stored already.
        engine: What computed them, or would have; None where none was chosen.
    """

    values: NDArray[np.float32]
    computed: int
    engine: Engine | None


def stored_features(
    name: str,
    network: nn.Module,
    audit: Audit,
    indices: NDArray[np.int64],
    picture: Preprocess,
    advance: Advance | None = None,
    view: View | None = None,
    engine: Engine | None = None,
) -> Features:
    """Features of pictures, resized without rounding: from the store where it has them, else by the fastest program.

    Args:
        name: What the network is called; with its weights, the key of the store.
        network: A tapped body, or any network from [n, C, S, S] to [n, D], in evaluation mode.
        audit: The pictures.
        indices: Which of them, each once.
        picture: How pixels become tensors.
        advance: Called with the number of pictures done.
        view: How the pictures are augmented; as they are if not given.
        engine: What computes them, as it was chosen for other pictures; chosen anew if not given.
    """
    pixels = view.pixels if view else audit.pixels
    engines = [engine] if engine else []

    def compute(missing: NDArray[np.int64]) -> NDArray[np.float32]:
        device = next(network.parameters()).device
        if not engines:
            first = first_share(pixels, missing, picture, device)
            engines.append(_chosen(network, first, len(missing), exported_path(name, network, picture)))
        parts = shares(engines[0].answer, pixels, missing, picture, device, advance)
        return np.concatenate([part.astype(np.float32, copy=False) for part in parts])

    store = feature_store(name, network, picture, audit, view.identity() if view else None)
    values, computed = store.get(indices, compute)
    if advance:
        advance(len(indices) - computed)
    return Features(values, computed, engines[0] if engines else None)


def _chosen(network: nn.Module, sample: Tensor, pictures: int, exported: Path) -> Engine:
    """The program that is done first with so many pictures, of which a share is the sample."""
    columns: tuple[slice, ...] = getattr(network, "columns", (slice(None),))
    cores = torch.get_num_threads() if sample.device.type == "cpu" else 1
    with threads(1):
        plain, others = without_norms(network, sample, columns), programs(network, sample, exported)
        return choose_engine(plain, others, sample, pictures, columns, cores)
