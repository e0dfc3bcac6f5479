"""Random numbers for masks: keyed, so that a member draws the same alone and in any population; fixed; or fresh."""

from typing import Protocol

import torch
from torch import Tensor

from ravine.base.seeds import numpy_generator, stream


class Draws(Protocol):
    """Where a technique takes its random numbers from."""

    def uniform(self, purpose: str, layer: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Numbers in [0, 1), of the given shape, on the device of `like`, float32.

        Args:
            purpose: What they are for, such as "dropout".
            layer: Which of several places with this purpose.
            shape: The shape, of the whole batch.
            like: A tensor on the device where they are needed.
        """
        ...


class KeyedDraws:
    """Numbers that depend on (seed, step, purpose, layer) alone; on one kind of device the same in any population.

    Attributes:
        seed: Of the member.
        step: The step of training; whoever trains counts it.

    Example:
        >>> draws, x = KeyedDraws(seed=7), torch.zeros(1)
        >>> first = draws.uniform("dropout", 0, (3,), x)
        >>> draws.step = 1
        >>> bool((draws.uniform("dropout", 0, (3,), x) == first).all())
        False
        >>> draws.step = 0
        >>> bool((draws.uniform("dropout", 0, (3,), x) == first).all())
        True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.step = 0

    def uniform(self, purpose: str, layer: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """See `Draws.uniform`."""
        generator = torch.Generator(like.device).manual_seed(stream(self.seed, purpose, self.step, layer))
        return torch.rand(shape, generator=generator, device=like.device)


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
        """See `Draws.uniform`."""
        generator = numpy_generator(self.seed, f"test {purpose}", self.number, layer)
        return torch.from_numpy(generator.random(shape, dtype="float32")).to(like.device)


class FreshDraws:
    """Numbers from torch's own generator, which `torch.manual_seed` seeds."""

    def uniform(self, purpose: str, layer: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """See `Draws.uniform`."""
        del purpose, layer
        return torch.rand(shape, device=like.device)
