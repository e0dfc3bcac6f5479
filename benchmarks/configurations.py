"""The configurations that a search chooses from: one random draw, the same for everyone."""

import numpy as np

Configuration = dict[str, float]


def drawn(count: int) -> list[Configuration]:
    """Random configurations, the same each time.

    Rate in 0.003 … 0.5, 1 − momentum in 0.02 … 0.3 and penalty in 0.0001 … 0.05 are uniform in their logarithms,
    dropout in 0 … 0.6.

    Args:
        count: How many configurations.
    """
    generator = np.random.default_rng(0)
    rate, friction, decay = (
        np.exp(generator.uniform(np.log(low), np.log(high), count)).round(6)
        for low, high in ((0.003, 0.5), (0.02, 0.3), (1e-4, 0.05))
    )
    columns = {
        "rate": rate,
        "momentum": (1 - friction).round(6),
        "decay": decay,
        "dropout": generator.uniform(0, 0.6, count).round(4),
    }
    return [{name: float(column[place]) for name, column in columns.items()} for place in range(count)]
