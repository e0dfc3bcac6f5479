"""What a frozen body says of each picture, computed once."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.data.audit import Audit
from ravine.data.preprocess import Preprocess
from ravine.train.evaluate import direct
from ravine.transfer.engine import Engine, choose_engine
from ravine.transfer.programs import eager, programs
from ravine.transfer.store import exported_path, feature_store
from ravine.transfer.views import View

Advance = Callable[[int], object]


@dataclass(frozen=True)
class Features:
    """Features of some pictures.

    Attributes:
        values: [n, D], as they are stored.
        computed: How many pictures were computed; the others were stored already.
        engine: What computed them; None where nothing was computed.
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
    directory: Path | None = None,
    advance: Advance | None = None,
    view: View | None = None,
) -> Features:
    """Features of pictures, resized without rounding: from the store where it has them, else by the fastest program.

    Args:
        name: What the network is called; with its weights, the key of the store.
        network: A tapped body, or any network from [n, C, S, S] to [n, D], in evaluation mode.
        audit: The pictures.
        indices: Which of them, each once.
        picture: How pixels become tensors.
        directory: Where features and exported networks are kept; where the packs lie if not given.
        advance: Called with the number of pictures done.
        view: How the pictures are augmented; as they are if not given.
    """
    pixels = view.pixels if view else audit.pixels
    engines: list[Engine] = []

    def compute(missing: NDArray[np.int64]) -> NDArray[np.float32]:
        device = next(network.parameters()).device
        chunks = direct(pixels, missing, picture, device, advance)
        first = next(chunks)
        exported = exported_path(name, network, picture, directory)
        columns: tuple[slice, ...] = getattr(network, "columns", (slice(None),))
        left = len(missing) - len(first)
        engine = choose_engine(eager(network), programs(network, first, exported), first, left, columns)
        engines.append(engine)
        return np.concatenate([_numbers(engine.answer(chunk)) for chunk in chain([first], chunks)])

    store = feature_store(name, network, picture, audit, directory, view.identity() if view else None)
    values, computed = store.get(indices, compute)
    if advance:
        advance(len(indices) - computed)
    return Features(values, computed, engines[0] if engines else None)


def _numbers(answer: Tensor) -> NDArray[np.float32]:
    return answer.float().cpu().numpy()
