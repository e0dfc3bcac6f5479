"""Streams of random numbers that depend on a seed and a purpose, never on what was drawn before."""

import hashlib

import numpy as np
import torch


def stream(seed: int, purpose: str, *keys: int | str) -> int:
    """Derive a 63-bit seed from a seed, a purpose and further keys.

    Args:
        seed: The seed of a member or of a run.
        purpose: What the numbers are for, such as ``"order"`` or ``"initialisation"``.
        keys: What else tells the streams apart, such as an epoch, a step, a layer.

    Returns:
        A number in [0, 2⁶³). SHA-256 of the words, so that neighbouring seeds share nothing.

    Example:
        >>> stream(0, "order", 1) == stream(0, "order", 1), stream(0, "order", 1) == stream(0, "order", 2)
        (True, False)
    """
    words = "\x1f".join(map(str, (seed, purpose, *keys)))
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") >> 1


def torch_generator(seed: int, purpose: str, *keys: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator for one stream; see `stream`."""
    return torch.Generator(device).manual_seed(stream(seed, purpose, *keys))


def numpy_generator(seed: int, purpose: str, *keys: int | str) -> np.random.Generator:
    """A NumPy generator for one stream; see `stream`."""
    return np.random.default_rng(stream(seed, purpose, *keys))
