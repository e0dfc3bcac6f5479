"""How much of a pretrained body to train, decided by measurement: alternatives ▶ packs ▶ measure ▶ race ▶ one plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import PlanError, SourceError, unknown
from ravine.data.audit import Audit
from ravine.data.pack import Pack, pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, split
from ravine.device.machine import choose_device, enough_memory, threads
from ravine.experiment.from_scratch import FromScratch
from ravine.experiment.gathering import check_gathering
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.models.backbone import Backbone
from ravine.plan.alternatives import WAYS, Alternative, Alternatives, alternatives, check_decidable, refusals
from ravine.plan.facts import Facts, Reason
from ravine.plan.plan import FROZEN, UNFROZEN, Plan
from ravine.stories.budget import RESERVE
from ravine.stories.transfer_words import verdict
from ravine.transfer.decide import Course, decide
from ravine.transfer.decision import Contestant, Decision
from ravine.transfer.entrants import Entrant, Way
from ravine.transfer.head import FrozenBody
from ravine.transfer.measure import Measurement, measure_source
from ravine.transfer.unfrozen import PARTS, Unfrozen

AUTO = "auto"
"""What the user sets transfer to, so that it is decided."""


@dataclass(frozen=True, eq=False)
class Choice:
    """A plan, why it is so, and the decision behind it; None where none was asked for."""

    plan: Plan
    reasons: list[Reason]
    decision: Decision | None = None


def choose(
    audit: Audit, facts: Facts, wishes: Mapping[str, Any], stages: Stages, seconds: float | None = None
) -> Choice:
    """Race the ways to transfer on the pictures that are not for testing, and take the plan of the winner.

    Args:
        audit: The pictures.
        facts: What the presets know of them.
        wishes: What the user has set, with transfer=auto.
        stages: Where progress is shown and time is kept.
        seconds: What the whole run may take; None for no limit.

    Raises:
        PlanError: The wishes leave nothing to decide.
        TrainingError: Every way has failed.
    """
    options = alternatives(facts, wishes)
    race = Preparation(audit, options, stages)
    with threads(race.plan.threads), enough_memory():
        decision = race.decide(RESERVE * (seconds - stages.total) if seconds else None)
    stages.seconds["race"] = sum(one.seconds for one in decision.contestants)
    chosen = options.of(decision.chosen.name)
    return Choice(chosen.plan, [_explained(reason, decision) for reason in chosen.reasons], decision)


def check(wishes: Mapping[str, Any], seconds: float | None) -> None:
    """Judge a wish for transfer before the pictures are looked at.

    Args:
        wishes: What the user has set.
        seconds: What the whole run may take; None for no limit.

    Raises:
        PlanError: There is no such way to transfer, or nothing to decide, or rungs are to be after epochs that a budget
            may not reach.
    """
    asked = wishes.get("transfer", AUTO)
    if asked not in (AUTO, *WAYS):
        raise PlanError(unknown("transfer", str(asked), (AUTO, *WAYS)))
    if wishes.get("transfer") != AUTO:
        return
    check_decidable(wishes)
    if seconds and wishes.get("rungs"):
        raise PlanError(
            "With transfer=auto a budget pays for the race and for the fit after it, so that the number of epochs is "
            "not known before, and rungs need one. Leave out budget or rungs."
        )


class Preparation:
    """Pictures, packs and trainings of a race."""

    def __init__(self, audit: Audit, options: Alternatives, stages: Stages) -> None:
        self.audit, self.options, self.stages = audit, options, stages
        self.plan = options.possible[0].plan
        choose_device(self.plan.device)
        self.packs: dict[Preprocess, Pack] = {}

    def decide(self, limit: float | None) -> Decision:
        """Measure and race."""
        course, (entrants, refused) = self.course(limit), self.entrants
        return decide(entrants, course, self.measure, refused, WAYS)

    def course(self, limit: float | None = None) -> Course:
        """Where the race is run, and for how many seconds."""
        return Course(self.rows, self.audit, self.plan.seed, limit, say=self.stages.progress.say)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The numbers of the pictures that are not for testing, ascending."""
        return _free(divided(self.audit, self.plan))

    @cached_property
    def entrants(self) -> tuple[list[Entrant], list[Contestant]]:
        """Those that enter the race, and those that cannot.

        Raises:
            PlanError: Nobody can.
        """
        refused = [Contestant(name, "refused", why) for name, why in self.options.refused.items()]
        entrants = []
        for one in self.options.possible:
            try:
                entrants.append(self._entrant(one))
            except (SourceError, PlanError) as wrong:  # too few pictures, or steps
                refused.append(Contestant(one.name, "refused", str(wrong)))
        if not entrants:
            raise PlanError(refusals({one.name: one.note for one in refused}))
        return entrants, refused

    def measure(self) -> Measurement:
        """The table's two axes, with the body of the first way; the others have the same."""
        plan, rows = self.plan, self.rows
        body = plan.model if isinstance(plan.model, Backbone) else Backbone()
        with self.stages.stage("features", "features", len(rows)) as advance:
            return measure_source(body, self.audit, rows, plan.picture, plan.device, seed=plan.seed, advance=advance)

    def _entrant(self, one: Alternative) -> Entrant:
        parts = divided(self.audit, one.plan)
        way, every = self.way(one.plan, parts), len(parts.train) + len(parts.validation)
        check_gathering(one.plan, len(way.parts[0] if isinstance(way, Unfrozen) else parts.train), every)
        return Entrant(one.name, way, final_trainings(one.plan, parts))

    def way(self, plan: Plan, parts: Split) -> Way:
        """What a plan trains, with the pictures that are divided so."""
        packed = partial(self._packed, plan.picture)
        if plan.reads_pack:
            packed()
        if plan.transfer in FROZEN:
            return FrozenBody(plan, self.audit, packed, parts)
        if plan.transfer in UNFROZEN:
            return Unfrozen(plan, self.audit, packed, parts)
        return FromScratch(Scratch(plan, packed(), parts, self.audit.classes))

    def _packed(self, picture: Preprocess) -> Pack:
        if picture not in self.packs:
            with self.stages.stage("pack", "pack", len(self.audit)) as advance:
                self.packs[picture] = pack(self.audit, picture, advance=advance)
        return self.packs[picture]


def divided(audit: Audit, plan: Plan) -> Split:
    """Divide the pictures as a plan says.

    Raises:
        PlanError: None is left to test on.
    """
    parts = split(audit, plan.split, plan.seed)
    if len(parts.test) == 0:
        raise PlanError(
            "No picture is left to test on. Set split.test above 0, or mark pictures as test in the source."
        )
    return parts


def _free(parts: Split) -> NDArray[np.int64]:
    """The pictures that are not for testing, ascending."""
    return np.sort(np.concatenate([parts.train, parts.validation]))


def final_trainings(plan: Plan, parts: Split) -> float:
    """How many trainings on all pictures a fit takes: those of the members that compete, and the refit."""
    if plan.transfer in FROZEN:
        return 1.0
    share = len(parts.train) / len(_free(parts))
    if plan.transfer in UNFROZEN and not len(parts.validation):
        share = 1 - 1 / PARTS
    again = plan.members if plan.ensemble and plan.ensemble.pools else 1
    return plan.members * share + (again if plan.refit and share < 1 else 0)


def _explained(reason: Reason, decision: Decision) -> Reason:
    if reason.name != "transfer":
        return reason
    raced = sum(one.pictures > 0 for one in decision.contestants)
    how = f"Chosen by a race of {raced} ways to transfer. " if raced > 1 else ""
    return Reason("transfer", decision.chosen.name, how + verdict(decision))
