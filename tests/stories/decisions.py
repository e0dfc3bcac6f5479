"""Decisions about transfer as races leave them."""

import numpy as np

from ravine.transfer.data_size import SizeCurve
from ravine.transfer.decision import Contestant, Decision
from ravine.transfer.gradients import GradientNorms
from ravine.transfer.measure import Measurement
from ravine.transfer.probes import Probe, Similarity

TAPS = ("stage 1", "stage 2", "stage 3", "stage 4", "stage 5", "last")
WIDTHS = (16, 24, 40, 112, 320, 1280)
SECONDS = {"features": 21.31, "probes": 3.24, "size": 1.42, "gradients": 9.83}


def clear_winner() -> Decision:
    """1,840 pictures unlike those of the body's training, of which more would hardly help."""
    return Decision(
        contestants=(
            Contestant("head", "worse", "last1 beat it.", 1840, 0.741, 0.812, seconds=2.1),
            Contestant(
                "depth",
                "worse",
                "last1 beat it.",
                1840,
                0.752,
                0.779,
                0.011,
                -0.004,
                0.026,
                9.4,
            ),
            Contestant("last1", "chosen", "", 1104, 0.782, 0.701, 0.041, 0.012, 0.07, 131.2),
            Contestant("last2", "no clear gain", "", 1104, 0.785, 0.694, 0.044, 0.013, 0.075, 204.8),
            Contestant(
                "all",
                "dropped",
                "It had little hope to become clearly better than last1.",
                736,
                0.764,
                0.742,
                0.023,
                -0.006,
                0.052,
                188.0,
            ),
            Contestant(
                "scratch", "worse", "Clearly less accurate than head.", 368, 0.512, 1.43, -0.229, -0.282, -0.176, 163.5
            ),
        ),
        measurement=measurement(),
        confidence=0.8,
        seconds=738.4,
        textbook="all",
        by_number_alone="head",
    )


def head_stays() -> Decision:
    """257 pictures like those of the body's training."""
    return Decision(
        contestants=(
            Contestant("head", "chosen", "", 257, 0.903, 0.331, seconds=0.9),
            Contestant(
                "depth", "dropped", "It could gain 0.0 points over head at most.", 257, 0.903, 0.331, 0.0, 0.0, 0.0, 3.2
            ),
            Contestant("last1", "no clear gain", "", 154, 0.907, 0.318, 0.004, -0.011, 0.019, 41.0),
            Contestant("last2", "no clear gain", "", 154, 0.895, 0.342, -0.008, -0.027, 0.011, 64.2),
            Contestant(
                "all", "worse", "Clearly less accurate than head.", 52, 0.872, 0.398, -0.031, -0.058, -0.004, 90.7
            ),
            Contestant("scratch", "skipped", "It would take about 370 s with the final fit, and 121 s are left."),
        ),
        measurement=measurement(similar=True, rising=True, pictures=257, gradients=False),
        confidence=0.8,
        seconds=214.0,
        textbook="head",
        by_number_alone="head",
    )


def bare() -> Decision:
    """A body that cannot be tapped, and little time."""
    return Decision(
        contestants=(
            Contestant("head", "chosen", "", 96, 0.71, 0.88, seconds=0.4),
            Contestant("depth", "refused", "This body has no earlier depths."),
            Contestant("last1", "failed", "Its answers are not finite. Choose a smaller optimizer.lr."),
            Contestant("last2", "skipped", "It would take about 240 s with the final fit, and 35 s are left."),
            Contestant("all", "skipped", "It would take about 540 s with the final fit, and 35 s are left."),
        ),
        measurement=None,
        confidence=14 / 15,
        seconds=26.0,
        by_number_alone="head",
    )


def measurement(
    *, similar: bool = False, rising: bool = False, pictures: int = 1840, gradients: bool = True
) -> Measurement:
    """A measured cell of the table."""
    levels = (0.41, 0.52, 0.66, 0.79, 0.77, 0.90 if similar else 0.74)
    order = np.random.default_rng(0).permutation(pictures)
    probes = tuple(
        Probe(name, width, level - 0.07, level, order < level * pictures)
        for name, width, level in zip(TAPS, WIDTHS, levels, strict=True)
    )
    accuracy = (0.61, 0.72, 0.83, 0.90) if rising else (0.702, 0.731, 0.738, 0.741)
    size = SizeCurve(
        tuple(pictures // parts for parts in (8, 4, 2, 1)), accuracy, (accuracy[3] - accuracy[1]) / 2, 0.004
    )
    norms = GradientNorms(TAPS, (0.0021, 0.0034, 0.0062, 0.0118, 0.0097, 0.0041), 460) if gradients else None
    seconds = {name: taken for name, taken in SECONDS.items() if gradients or name != "gradients"}
    return Measurement(Similarity(probes, 0.14), size, norms, pictures, seconds)
