"""Rungs: the epochs after which only the best members of a population go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ravine.base.errors import PlanError
from ravine.base.ranges import Count
from ravine.interfaces import Part

Way = Literal["looped", "spread", "stacked", "spread_stacked"]
"""How members take their passes: one after another, in threads, side by side, side by side in threads."""


@dataclass(frozen=True)
class Rung(Part):
    """An epoch after which only the best members go on; the others end there.

    Several rungs are successive halving: with `rungs = [{epoch = 1, keep = 16}, {epoch = 4, keep = 4}]` 64 members
    train for one epoch, 16 of them for three more, and 4 to the end. Members are compared by `select` on the validation
    pictures. All have the learning rates of the whole course, so that who goes on is trained as if it had been alone.

    Helps where configurations differ much, so that the first epochs tell which are hopeless. It hurts those that start
    slowly, such as small rates and strong regularizers: an early rung is biased against them. One rung after the first
    epoch is the baseline to be beaten: it matched elaborate methods at a tenth of their computation.

    Updates and passes run uncompiled up to the last rung: what is compiled fits one size of a population.

    Source: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016,
    Algorithm 1 (successive halving); Li et al., "A System for Massively Parallel Hyperparameter Tuning", 2020 (arXiv
    1810.05934), for rungs without waiting, which a population does not need, since its members arrive together; Egelé
    et al., "Is One Epoch All You Need For Multi-Fidelity Hyperparameter Optimization?", 2023 (arXiv 2307.15422).

    Attributes:
        epoch: The number of the epoch, from 1.
        keep: How many members go on, at least 1.
        execution: How they take their passes from then on; left out, as the plan says, or else as is measured, which is
            written here.

    Example:
        >>> Rung(epoch=1, keep=16)
        Rung(epoch=1, keep=16, execution=None)
    """

    epoch: Count
    keep: Count
    execution: Way | None = None


def check_rungs(rungs: Sequence[Rung], epochs: int, members: int) -> None:
    """Check that rungs follow one another, and that each ends someone.

    Raises:
        PlanError: They do not; the message says which, and what to do.
    """
    for one, other in pairwise(rungs):
        if other.epoch <= one.epoch or other.keep >= one.keep:
            raise PlanError(
                f"A rung with epoch {other.epoch} and keep {other.keep} follows one with epoch {one.epoch} and keep "
                f"{one.keep}. Let epochs rise and keep fall from rung to rung."
            )
    if rungs and rungs[0].keep >= members:
        raise PlanError(f"rungs keep {rungs[0].keep} of {members} members, so that none ends. Choose keep < {members}.")
    if rungs and rungs[-1].epoch >= epochs:
        raise PlanError(
            f"The rung after epoch {rungs[-1].epoch} comes too late for a training of {epochs} epochs. Choose a "
            "smaller epoch for it, or more epochs."
        )
    for rung in rungs:
        if rung.keep == 1 and rung.execution not in (None, "looped"):
            raise PlanError(f"execution = {rung.execution!r} is for several members, and keep = 1. Leave it out.")


def epochs_of_all(rungs: Sequence[Rung], epochs: int, members: int) -> int:
    """The epochs of all members together, in a training of so many epochs.

    Example:
        >>> epochs_of_all([Rung(1, 16), Rung(4, 4)], epochs=20, members=64)
        176
    """
    living = {rung.epoch: rung.keep for rung in rungs}
    total = 0
    for epoch in range(epochs):
        members = living.get(epoch, members)
        total += members
    return total
