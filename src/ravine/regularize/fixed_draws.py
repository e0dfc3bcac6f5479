"""Random numbers for evaluation: the same at every call, on every machine, so that predictions repeat exactly."""

import torch
from torch import Tensor

from ravine.base.seeds import numpy_generator


class FixedDraws:
    """Numbers that depend on (seed, pass, purpose, layer) alone, for what is random at test by nature.

    They are computed by NumPy, outside of what `torch.export` records, so that an exported graph holds them as
    constants. Whoever asks should draw once for all pictures of a batch: then an answer does not depend on the other
    pictures beside it.

    Attributes:
        seed: Of the series.
        number: The pass, from 0; whoever averages over passes counts it.

    Example:
        >>> draws, x = FixedDraws(seed=0), torch.zeros(1)
        >>> bool((draws.uniform("dropout", 0, (3,), x) == draws.uniform("dropout", 0, (3,), x)).all())
        True
    """

    def __init__(self, seed: int = 0, number: int = 0) -> None:
        self.seed = seed
        self.number = number

    def uniform(self, purpose: str, layer: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """See `ravine.base.draws.Draws.uniform`."""
        generator = numpy_generator(self.seed, f"test {purpose}", self.number, layer)
        return torch.from_numpy(generator.random(shape, dtype="float32")).to(like.device)
