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
from ravine.experiment.fitted import Candidate, Evidence, Fitted, Trained, select
from ravine.experiment.minimization import Minimization
from ravine.experiment.stages import Stages
from ravine.interfaces import Rule
from ravine.optim.second_order.minimizer import Minimizer
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
        trained = self.train(self.split.train, seeds, "choose", stages)
        if len(validation) == 0:
            return _fitted(trained, 0, None, (Candidate("member 1", float("nan"), True),))
        unseen = [self._unseen(trained, member) for member in range(plan.members)]
        values = [
            getattr(one.scores(self.classes), plan.select) if alive else float("nan")
            for one, alive in zip(unseen, trained.active.tolist(), strict=True)
        ]
        best = select(values, plan.select)
        candidates = tuple(
            Candidate(f"member {member + 1}, seed {seeds[member]}", value, member == best)
            for member, value in enumerate(values)
        )
        fitted = _fitted(trained, best, unseen[best], candidates)
        return self._again(fitted, best, stages) if plan.refit else fitted

    def train(
        self, rows: NDArray[np.int64], seeds: Sequence[int], run: str, stages: Stages, member: int | None = None
    ) -> Trained:
        """Train a population on these pictures.

        Args:
            rows: Pictures by number.
            seeds: One a member.
            run: The name of this training in the record.
            stages: Where progress is shown and time is kept.
            member: Train as this member of the plan alone; None for all of them.
        """
        name = "train" if run == "choose" else "train on all"
        if isinstance(self.plan.optimizer, Minimizer):
            population, held = self.population(seeds, member), self._held(run)
            return Minimization(self.plan, population, *self._tensors(), rows, held, run).train(stages, name, member)
        loop = self.prepare(rows, seeds, run, member)
        with stages.stage("train", name, loop.epochs * len(loop.batches)) as advance:
            loop.advance = advance
            history = tuple(loop.train())
        return Trained(loop.population, loop.active, history, loop.stepper.compiled)

    def population(self, seeds: Sequence[int], member: int | None = None) -> Population:
        """Fresh members: all of the plan, or one alone."""
        plan, picture = self.plan, self.plan.picture
        shape = PictureShape(picture.channels, picture.size, len(self.classes))
        numbers = range(len(seeds)) if member is None else [member]
        techniques = [[of_member(part, number) for part in plan.techniques] for number in numbers]
        return Population(plan.model, shape, seeds, plan.device, techniques=techniques)

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
        population = self.population(seeds, member)
        images, labels = self._tensors()
        batches = Batches(images, labels, rows, batch_size=plan.batch_size, seeds=tuple(seeds))
        steps = plan.epochs * len(batches)
        stepper = Stepper(
            rule, schedule, penalties, population.layout, population.theta, population.gradient, steps, plan.compiled
        )
        streams = range(len(seeds))
        return Loop(population, stepper, batches, streams, plan.picture, plan.epochs, self._held(run), run)

    def _held(self, run: str) -> Held | None:
        """The validation pictures, while a choice is to be made."""
        rows = self.split.validation
        return Held(self._tensors()[0], rows, self.pack.labels[rows]) if run == "choose" and len(rows) else None

    def _again(self, fitted: Fitted, best: int, stages: Stages) -> Fitted:
        """Train the chosen member on training and validation pictures together."""
        rows = np.sort(np.concatenate([self.split.train, self.split.validation]))
        trained = self.train(rows, [self.plan.seed + best], "refit", stages, best)
        return replace(
            fitted,
            network=trained.population.techniques[0].finished(trained.population.networks[0]).eval(),
            history=fitted.history + trained.history,
            refit=f"The chosen training was repeated on all {len(rows):,} training and validation pictures.",
        )

    def _unseen(self, trained: Trained, member: int) -> Evidence:
        rows = self.split.validation
        images, _ = self._tensors()
        population = trained.population
        network = population.techniques[member].finished(population.networks[member])
        z = logits(network, packed(images, rows, self.plan.picture))
        return Evidence(z, self.pack.labels[rows], f"the {len(rows):,} validation pictures")

    def _tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.plan.device
        return torch.as_tensor(self.pack.images).to(device), torch.as_tensor(self.pack.labels).to(device)


def _fitted(trained: Trained, member: int, unseen: Evidence | None, candidates: tuple[Candidate, ...]) -> Fitted:
    return Fitted(
        network=trained.population.techniques[member].finished(trained.population.networks[member]).eval(),
        temperature=unseen.temperature() if unseen else 1.0,
        unseen=unseen,
        candidates=candidates,
        history=trained.history,
        failed=tuple(torch.nonzero(~trained.active).flatten().tolist()),
        compiled=trained.compiled,
        member=member,
    )
