"""How many epochs a time budget allows: measured on a few steps that are thrown away."""

import re

from ravine.base.errors import PlanError
from ravine.experiment.pace import epoch_seconds
from ravine.experiment.scratch import Scratch
from ravine.plan.rungs import epochs_of_all
from ravine.transfer.unfrozen import Unfrozen

RESERVE = 0.8
"""The share of the time left that is planned for training; the rest is for evaluation, report and surprises."""


def seconds_of(text: str) -> float:
    """Read a duration such as ``90``, ``60s``, ``5m`` or ``1h``.

    Raises:
        PlanError: It is no duration above zero.

    Example:
        >>> seconds_of("60s"), seconds_of("1.5m")
        (60.0, 90.0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", text.strip())
    seconds = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"] if match else 0.0
    if seconds <= 0:
        raise PlanError(f"budget = {text!r} is no duration. Write a number above 0 with s, m or h, such as 60s.")
    return seconds


def epochs_after_head(unfrozen: Unfrozen, seconds: float) -> int:
    """How many epochs of training stages of a body fit into the time, at most those of the plan and at least one.

    Args:
        unfrozen: The training that is planned, with its pictures.
        seconds: Time that is left.
    """
    plan, trained, every = unfrozen.plan, len(unfrozen.parts[0]), len(unfrozen.rows)
    again = (plan.members if plan.ensemble and plan.ensemble.pools else 1) if plan.refit else 0
    once = unfrozen.expected_seconds(trained) - (plan.epochs or 1) * unfrozen.epoch_seconds(trained)
    left = seconds * RESERVE - once - unfrozen.head_seconds(every) * min(1, again)
    each = plan.members * unfrozen.epoch_seconds(trained) + again * unfrozen.epoch_seconds(every)
    return max(1, min(plan.epochs or 1, int(left / each)))


def affordable_epochs(scratch: Scratch, seconds: float) -> int:
    """How many epochs fit into the time, at most those of the plan and at least one.

    Args:
        scratch: The training that is planned, with its pictures.
        seconds: Time that is left.
    """
    plan = scratch.plan
    planned = plan.epochs or 1
    one_seconds, time_left = epoch_seconds(scratch), seconds * RESERVE
    refit = (len(scratch.split.train) + len(scratch.split.validation)) / len(scratch.split.train) if plan.refit else 0
    refit *= plan.members if plan.ensemble and plan.ensemble.pools else 1

    def fits(epochs: int) -> bool:
        return one_seconds * (epochs_of_all(plan.rungs, epochs, plan.members) + refit * epochs) <= time_left

    return max(1, next((epochs for epochs in range(planned, 0, -1) if fits(epochs)), 1))
