"""Train every parameter from scratch: all members at once, choose one, and train it again on all pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.base.errors import PlanError
from ravine.data.batches import Batches
from ravine.data.pack import Pack
from ravine.data.split import Split
from ravine.experiment.fitted import Candidate, Evidence, Fitted, select
from ravine.experiment.stages import Stages
from ravine.interfaces import Rule
from ravine.plan.members import of_member
from ravine.plan.plan import Plan
from ravine.train.evaluate import logits, packed
from ravine.train.loop import Held, Loop
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper


@dataclass(frozen=True)
class Scratch:
    """Everything that training from scratch needs.

    Attributes:
        plan: The choices.
        pack: The pictures.
        split: Which are for what.
        classes: Names of the classes.
    """

    plan: Plan
    pack: Pack
    split: Split
    classes: tuple[str, ...]

    def fit(self, stages: Stages) -> Fitted:
        """Train, choose, calibrate, and train again where the plan says so.

        Raises:
            PlanError: There are several members, and nothing to choose by.
            TrainingError: No member has a finite loss.
        """
        plan, validation = self.plan, self.split.validation
        if len(validation) == 0 and plan.members > 1:
            raise PlanError("members > 1 needs validation pictures to choose by. Set split.validation above 0.")
        seeds = range(plan.seed, plan.seed + plan.members)
        loop = self.loop(self.split.train, seeds, "choose", stages)
        if len(validation) == 0:
            return _fitted(loop, 0, None, (Candidate("member 1", float("nan"), True),))
        unseen = [self._unseen(loop, member) for member in range(plan.members)]
        values = [one.scores(self.classes) for one in unseen]
        alive = [member for member in range(plan.members) if bool(loop.active[member])]
        best = alive[select([values[member] for member in alive], plan.select)]
        candidates = tuple(
            Candidate(f"member {member + 1}, seed {seeds[member]}", getattr(one, plan.select), member == best)
            for member, one in enumerate(values)
        )
        fitted = _fitted(loop, best, unseen[best], candidates)
        return self._again(fitted, best, stages) if plan.refit else fitted

    def loop(
        self, rows: NDArray[np.int64], seeds: Sequence[int], run: str, stages: Stages, member: int | None = None
    ) -> Loop:
        """Train a population on these pictures.

        Args:
            rows: Pictures by number.
            seeds: One a member.
            run: The name of this training in the record.
            stages: Where progress is shown and time is kept.
            member: Train as this member of the plan alone; None for all of them.
        """
        loop = self.prepare(rows, seeds, run, member)
        steps = loop.epochs * len(loop.batches)
        with stages.stage("train", "train" if run == "choose" else "train on all", steps) as advance:
            loop.advance = advance
            loop.train()
        return loop

    def prepare(self, rows: NDArray[np.int64], seeds: Sequence[int], run: str, member: int | None = None) -> Loop:
        """The loop of a training, ready to run; see `loop`."""
        plan = self.plan
        if not isinstance(plan.optimizer, Rule) or plan.schedule is None or plan.penalty is None:
            raise PlanError("Training in mini-batches needs an update rule, a schedule and penalties.")
        if plan.epochs is None or plan.batch_size is None:
            raise PlanError("Training from scratch needs epochs and batch_size.")
        rule, schedule, penalties = plan.optimizer, plan.schedule, plan.penalty
        if member is not None:
            rule, schedule = of_member(rule, member), of_member(schedule, member)
            penalties = tuple(of_member(penalty, member) for penalty in penalties)
        shape = PictureShape(plan.picture.channels, plan.picture.size, len(self.classes))
        population = Population(plan.model, shape, seeds, plan.device)
        images, labels = self._tensors()
        batches = Batches(images, labels, rows, batch_size=plan.batch_size, seeds=tuple(seeds))
        steps = plan.epochs * len(batches)
        stepper = Stepper(
            rule, schedule, penalties, population.layout, population.theta, population.gradient, steps, plan.compiled
        )
        held = Held(images, self.split.validation, self.pack.labels[self.split.validation])
        judged = held if run == "choose" and len(held.indices) else None
        return Loop(population, stepper, batches, range(len(seeds)), plan.picture, plan.epochs, judged, run)

    def _again(self, fitted: Fitted, best: int, stages: Stages) -> Fitted:
        """Train the chosen member on training and validation pictures together."""
        rows = np.sort(np.concatenate([self.split.train, self.split.validation]))
        loop = self.loop(rows, [self.plan.seed + best], "refit", stages, best)
        return replace(
            fitted,
            network=loop.population.networks[0].eval(),
            history=fitted.history + tuple(loop.history),
            refit=f"The chosen training was repeated on all {len(rows):,} training and validation pictures.",
        )

    def _unseen(self, loop: Loop, member: int) -> Evidence:
        rows = self.split.validation
        images, _ = self._tensors()
        z = logits(loop.population.networks[member], packed(images, rows, self.plan.picture))
        return Evidence(z, self.pack.labels[rows], f"the {len(rows):,} validation pictures")

    def _tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.plan.device
        return torch.as_tensor(self.pack.images).to(device), torch.as_tensor(self.pack.labels).to(device)


def _fitted(loop: Loop, member: int, unseen: Evidence | None, candidates: tuple[Candidate, ...]) -> Fitted:
    return Fitted(
        network=loop.population.networks[member].eval(),
        temperature=unseen.temperature() if unseen else 1.0,
        unseen=unseen,
        candidates=candidates,
        history=tuple(loop.history),
        failed=tuple(torch.nonzero(~loop.active).flatten().tolist()),
        compiled=loop.stepper.compiled,
    )
