"""Pictures unlike any photograph, made here: textures by their spectrum, and discs to be counted."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.picture_set import PictureSet, Pixels, drawn

SIDE = 64
EXPONENTS = (0.6, 1.0, 1.4, 1.8)
STRETCHES = (1.0, 2.0)
TEXTURES = tuple(f"f^-{exponent:g}, stretched {stretch:g}" for exponent in EXPONENTS for stretch in STRETCHES)
MOST_DISCS = 6


def textures(training: int, test: int, seed: int) -> PictureSet:
    """Noise of 8 spectra, grey: how amplitude falls with frequency, and whether alike in all directions."""
    return drawn(_texture, TEXTURES, training, test, seed)


def discs(training: int, test: int, seed: int) -> PictureSet:
    """One to six discs of different size and colour on noise: their number is the class."""
    return drawn(_discs, tuple(map(str, range(1, MOST_DISCS + 1))), training, test, seed)


def _texture(chance: np.random.Generator, label: int, test: bool) -> tuple[Pixels, str]:
    del test
    exponent, stretch = EXPONENTS[label // len(STRETCHES)], STRETCHES[label % len(STRETCHES)]
    noise = filtered(chance.normal(size=(SIDE, SIDE)), exponent, stretch, chance.uniform(0, np.pi))
    return np.clip(128 + chance.uniform(30, 60) * noise + chance.uniform(-20, 20), 0, 255).astype(np.uint8), ""


def filtered(white: NDArray[np.float64], exponent: float, stretch: float, angle: float) -> NDArray[np.float64]:
    """White noise with amplitudes that fall as a power of frequency, stretched along a direction; variance 1.

    Args:
        white: [S, S].
        exponent: Of the frequency.
        stretch: How many times as long structures are in one direction as across it.
        angle: Of that direction, radians.
    """
    side = len(white)
    down, across = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    along = stretch * (across * np.cos(angle) + down * np.sin(angle))
    square = along**2 + (down * np.cos(angle) - across * np.sin(angle)) ** 2
    square[0, 0] = np.inf
    result = np.fft.ifft2(np.fft.fft2(white) * square ** (-exponent / 2)).real
    return result / result.std()


def _discs(chance: np.random.Generator, label: int, test: bool) -> tuple[Pixels, str]:
    del test
    rows, columns = np.mgrid[:SIDE, :SIDE]
    canvas = chance.uniform(0, 255, 3) + chance.normal(0, 20, (SIDE, SIDE, 1))
    back = canvas.mean((0, 1))
    for row, column, radius in _places(chance, label + 1):
        colour = chance.uniform(0, 255, 3)
        while abs(colour - back).mean() < 60:
            colour = chance.uniform(0, 255, 3)
        canvas[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = colour
    return np.clip(canvas + chance.normal(0, 8, canvas.shape), 0, 255).astype(np.uint8), ""


def _places(chance: np.random.Generator, count: int) -> list[tuple[float, float, float]]:
    """Row, column and radius of discs that do not touch."""
    placed: list[tuple[float, float, float]] = []
    while len(placed) < count:
        radius = chance.uniform(3, 9)
        row, column = chance.uniform(radius, SIDE - radius, 2)
        if all((row - r) ** 2 + (column - c) ** 2 > (radius + other + 2) ** 2 for r, c, other in placed):
            placed.append((row, column, radius))
    return placed
