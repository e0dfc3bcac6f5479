"""What goes with a wished ensemble: members to combine, or a schedule that leaves something to gather."""

from collections.abc import Mapping
from typing import Any

from ravine.ensemble.ensemble import Ensemble
from ravine.plan.facts import Reason
from ravine.plan.toml import read_part

MEMBERS = 5
"""Most of what an ensemble gains, it gains with the first five members (Lakshminarayanan et al., 2017, figure 1)."""

_SCHEDULES: dict[str, tuple[dict[str, Any], Reason]] = {
    "snapshot": (
        {"name": "cosine_restarts", "first": 0.2},
        Reason(
            "schedule", "cosine_restarts, five cycles", "Each cycle ends at a low rate, where a snapshot can be taken."
        ),
    ),
    **dict.fromkeys(
        ("swa", "polyak"),
        (
            {"name": "warm_up_stable_decay", "decay": 0.0},
            Reason(
                "schedule",
                "warm_up_stable_decay, no decay",
                "At a rate that stays high the weights wander, and their average is worth more than any of them.",
            ),
        ),
    ),
}


def companions(wishes: Mapping[str, Any]) -> dict[str, tuple[Any, Reason]]:
    """Propose settings that the wished ensemble needs and that are not wished themselves.

    Returns:
        By the name of a setting, its value and the reason for it.

    Raises:
        PlanError: There is no such ensemble, or it has no such setting.
    """
    wished = wishes.get("ensemble")
    if not isinstance(wished, Mapping) or "name" not in wished:
        return {}
    found: dict[str, tuple[Any, Reason]] = {}
    if wished["name"] in _SCHEDULES:
        found["schedule"] = _SCHEDULES[wished["name"]]
    ensemble = read_part("ensemble", wished, "ensemble")
    if isinstance(ensemble, Ensemble) and ensemble.pools:
        reason = Reason("members", str(MEMBERS), "They are combined; most of the gain comes with the first five.")
        found["members"] = (MEMBERS, reason)
    return {name: choice for name, choice in found.items() if name not in wishes}
