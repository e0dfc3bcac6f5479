"""Share out labelled blocks among parts, so that each class is spread as the weights say."""

import numpy as np


def apportion(
    labels: np.ndarray, blocks: np.ndarray, weights: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Give each picture a part; pictures of one block go together.

    Blocks of several pictures go first, the largest ahead, each to the part that is furthest behind its target; then
    the single pictures of each class fill what is missing. At last a class that is absent from a part gets its smallest
    block there, if the part that gives it keeps another.

    Args:
        labels: int64 [N], classes.
        blocks: int64 [N], pictures of one number stay together.
        weights: [P], what each part should get of every class, up to a factor. Parts of weight 0 stay empty. Earlier
            parts come first where there are too few pictures.
        generator: Draws the order.

    Returns:
        int64 [N], parts.

    Example:
        >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> parts = apportion(labels, np.arange(8), np.array([3, 1]), np.random.default_rng(0))
        >>> [int((parts[labels == label] == 1).sum()) for label in (0, 1)]
        [1, 1]
    """
    _, block = np.unique(blocks, return_inverse=True)
    _, label = np.unique(labels, return_inverse=True)
    sizes = np.bincount(block)
    counts = np.zeros((len(sizes), label.max() + 1 if len(label) else 0), np.int64)
    np.add.at(counts, (block, label), 1)
    targets = np.stack([_quota(total, weights) for total in counts.sum(axis=0)], axis=1)
    home = np.full(len(sizes), -1)
    order = generator.permutation(len(sizes))
    filled = np.zeros_like(targets)
    for number in sorted(order[sizes[order] > 1].tolist(), key=lambda one: -sizes[one]):
        home[number] = _neediest(targets - filled, counts[number], weights)
        filled[home[number]] += counts[number]
    singles = order[sizes[order] == 1]
    kind = counts[singles].argmax(axis=1)
    for one in range(counts.shape[1]):
        chosen = singles[kind == one]
        missing = np.maximum(targets[:, one] - filled[:, one], 0)
        home[chosen] = np.repeat(np.arange(len(weights)), _quota(len(chosen), missing))
    _spread(home, counts, order, np.flatnonzero(weights > 0))
    return home[block]


def _quota(total: int, weights: np.ndarray) -> np.ndarray:
    """Whole numbers with the given sum, nearest to the weights; at least 1 for each positive weight while they last."""
    if total == 0:
        return np.zeros(len(weights), np.int64)
    exact = total * weights / weights.sum()
    least = np.zeros(len(weights), np.int64)
    least[np.flatnonzero(weights > 0)[:total]] = 1
    quota = np.maximum(np.floor(exact).astype(np.int64), least)
    while quota.sum() != total:
        change = 1 if quota.sum() < total else -1
        able = (weights > 0) if change > 0 else quota > least
        quota[np.argmax(np.where(able, change * (exact - quota), -np.inf))] += change
    return quota


def _neediest(missing: np.ndarray, block: np.ndarray, weights: np.ndarray) -> int:
    """The part whose squared distance from its targets the block lessens most."""
    gain = (missing * block).sum(axis=1)
    return int(np.argmax(np.where(weights > 0, gain, -np.inf)))


def _spread(home: np.ndarray, counts: np.ndarray, order: np.ndarray, parts: np.ndarray) -> None:
    held = np.zeros((parts.max() + 1, counts.shape[1]), np.int64)
    np.add.at(held, home, counts)
    for part in parts.tolist():
        for one in np.flatnonzero(held[part] == 0).tolist():
            able = [
                number
                for number in order.tolist()
                if counts[number, one] and _spare(held[home[number]], counts[number])
            ]
            if able:
                moved = min(able, key=lambda number: counts[number].sum())
                held[home[moved]] -= counts[moved]
                held[part] += counts[moved]
                home[moved] = part


def _spare(held: np.ndarray, block: np.ndarray) -> bool:
    """Whether a part can give a block and keep a picture of each of its classes."""
    return bool(np.all((held > block) | (block == 0)))
