"""Near duplicates: different files that show the same picture, such as one compressed twice or made smaller."""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from PIL import Image
from scipy.spatial import KDTree

from ravine.data.audit import Sets, components, sets_of

THUMBNAIL = 16  # pixels, height and width
_FINE = 64  # pixels; fine enough to see a scratch
_AXES = 12
_NEIGHBOURS = 8
_DIFFERENCE = 3.0  # levels of 255, root mean square
_SPOT = 24.0  # levels of 255, at any place of the fine thumbnail
_SHARE = 0.1  # of the contrast
_CONTRAST = 8.0  # levels of 255; flatter pictures are not compared
_ASPECT = 0.03
_REMEMBERED = 8192  # fine thumbnails, 100 MB


def near_duplicates(thumbnails: np.ndarray, aspects: np.ndarray, pixels: Callable[[int], np.ndarray]) -> Sets:
    """Find pictures that differ by no more than compression or resizing would change them.

    Candidates lie within the distance on the first principal axes of coarse thumbnails; averages and projections never
    lengthen a distance, so none is missed except beyond the eight nearest. Each is then checked on the thumbnails and
    at 64×64: the root mean square difference is at most 3 levels of 255 and a tenth of the contrast, and no place
    differs by more than 24 levels. So a scratch, or another object before the same background, tells two pictures
    apart; crops and mirror images are not found.

    Args:
        thumbnails: uint8 [N, 16, 16, C].
        aspects: Width / height, [N].
        pixels: Answers the pixels uint8 [H, W, 3] of a picture by its number.

    Returns:
        Sets of two or more pictures. Chains are joined.
    """
    if len(thumbnails) < 2:
        return ()

    @lru_cache(_REMEMBERED)
    def fine(index: int) -> np.ndarray:
        whole = pixels(index)
        return shrink(whole, min(_FINE, whole.shape[0]), min(_FINE, whole.shape[1]))

    pairs = [pair for pair in _candidates(thumbnails, aspects) if _alike(fine(pair[0]), fine(pair[1]))]
    return sets_of(components(len(thumbnails), tuple(pairs)))


def _candidates(thumbnails: np.ndarray, aspects: np.ndarray) -> Iterator[tuple[int, int]]:
    parts = np.array_split(thumbnails, 64)
    contrast = np.concatenate([part.std(axis=(1, 2, 3), dtype=np.float32) for part in parts])
    textured = np.flatnonzero(contrast >= _CONTRAST)
    if len(textured) < 2:
        return
    places = _project(thumbnails[textured])
    radius = _DIFFERENCE * thumbnails[0].size ** 0.5
    tree = KDTree(places)
    found = np.asarray(tree.query(places, min(_NEIGHBOURS + 1, len(textured)), distance_upper_bound=radius)[1])
    rows, ranks = np.nonzero(found < len(textured))
    pairs = np.sort(np.stack([rows, found[rows, ranks]], axis=1), axis=1)
    pairs = textured[np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)]
    for first, second in pairs.tolist():
        near = abs(aspects[first] / aspects[second] - 1) <= _ASPECT
        if near and _difference(thumbnails[first], thumbnails[second]) <= _allowed(*contrast[[first, second]].tolist()):
            yield first, second


def _project(thumbnails: np.ndarray) -> np.ndarray:
    """Coordinates on the principal axes of the thumbnails averaged over 2×2 pixels and the channels, [N, axes]."""
    half, channels = THUMBNAIL // 2, thumbnails.shape[-1]
    cells = thumbnails.reshape(-1, half, 2, half, 2, channels)
    coarse = cells.mean(axis=(2, 4, 5), dtype=np.float32).reshape(-1, half * half) * (4 * channels) ** 0.5
    coarse -= coarse.mean(axis=0)
    sample = coarse[:: max(1, len(coarse) // 5000)]
    _, axes = np.linalg.eigh(sample.T @ sample)
    return coarse @ axes[:, -_AXES:]


def _alike(first: np.ndarray, second: np.ndarray) -> bool:
    height, width = (min(sides) for sides in zip(first.shape[:2], second.shape[:2], strict=True))
    one, other = shrink(first, height, width), shrink(second, height, width)
    spot = np.abs(one.astype(np.int16) - other).max()
    return bool(spot <= _SPOT and _difference(one, other) <= _allowed(float(one.std()), float(other.std())))


def _allowed(*contrasts: float) -> float:
    return min(_DIFFERENCE, _SHARE * min(contrasts))


def _difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first.astype(np.float32) - second) ** 2)))


def shrink(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Average uint8 pixels [H, W, 3] down to [height, width, 3]."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))
