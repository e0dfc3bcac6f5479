"""Train every parameter from scratch: all members at once, choose one, and train it again on all pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.base.errors import PlanError
from ravine.data.batches import Batches, Order
from ravine.data.pack import Pack
from ravine.data.split import Split
from ravine.device.available import available_bytes
from ravine.ensemble.collector import Collector, Course
from ravine.experiment.assembly import Answer, Assembly
from ravine.experiment.fitted import Candidate, Evidence, Fitted, Trained, select
from ravine.experiment.judging import Judging
from ravine.experiment.minimization import Minimization
from ravine.experiment.segments import Segments
from ravine.experiment.stages import Stages
from ravine.interfaces import Rule
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.catalog import name_of
from ravine.plan.members import of_members, own_values
from ravine.plan.plan import Plan
from ravine.train.carrying import Carried, Wishes, carry_out
from ravine.train.evaluate import packed
from ravine.train.held import Held
from ravine.train.loop import Loop
from ravine.train.memory import Memory, check_memory, memory_of
from ravine.train.precision import check_precision
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

REESTIMATED = 10_000
"""Pictures, at most, for statistics of batch norm that are computed anew."""


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

    def __post_init__(self) -> None:
        """Every hyperparameter has one value, or one a member."""
        plan = self.plan
        for part in (plan.optimizer, plan.schedule, *(plan.penalty or ()), *plan.techniques, plan.ensemble):
            if part is not None:
                part.columns(plan.members)
        check_precision(plan.precision, plan.device)

    def fit(self, stages: Stages) -> Fitted:
        """Train, choose, calibrate, and train again where the plan says so.

        Raises:
            PlanError: There are several members, and nothing to choose by; or an ensemble finds nothing to act on.
            TrainingError: No member has a finite loss.
        """
        plan, validation = self.plan, self.split.validation
        self._check_choice()
        trained = self.train(self.split.train, range(plan.members), "choose", stages)
        assembly = self._assembly(trained, self.split.train)
        if len(validation) == 0:
            answer = assembly.answer(assembly.groups()[0])
            return self._fitted(trained, answer, None, (Candidate("member 1", float("nan"), True),))
        fitted, answer = self._choose(trained, assembly)
        return self._again(fitted, answer, trained, stages) if plan.refit else fitted

    def _check_choice(self) -> None:
        ensemble, members = self.plan.ensemble, self.plan.members
        if len(self.split.validation):
            return
        if self.plan.rungs:
            raise PlanError("rungs need validation pictures to compare members by. Set split.validation above 0.")
        if ensemble and ensemble.needs_validation:
            raise PlanError(
                f"{type(ensemble).__name__} needs validation pictures to choose by. Set split.validation above 0."
            )
        if members > 1 and not (ensemble and ensemble.pools):
            raise PlanError("members > 1 needs validation pictures to choose by. Set split.validation above 0.")

    def _choose(self, trained: Trained, assembly: Assembly) -> tuple[Fitted, Answer]:
        """The best answer on the validation pictures, among all that were considered."""
        names = [f"member {row + 1}, seed {self.plan.seed + row}" for row in range(self.plan.members)]
        groups, judging = assembly.groups(), self._judging()
        if self.plan.ensemble and self.plan.ensemble.pools:
            answer = assembly.answer(groups[0], judging.mixtures)
            unseen = judging.evidence(answer.network)
            seen = {row: judging.evidence(assembly.alone(row).network) for row in groups[0]}
            alone = [Candidate(names[row], judging.worth(own), False) for row, own in seen.items()]
            together = Candidate(name_of(self.plan.ensemble), judging.worth(unseen), True)
            return self._fitted(trained, answer, unseen, (*alone, together)), answer
        whole = [row for (row,) in groups if bool(trained.alive[row]) and row not in trained.ended]
        answers = {row: assembly.answer([row], judging.mixtures) for row in whole}
        unseen_of = {row: judging.evidence(answer.network) for row, answer in answers.items()}
        worth = {row: judging.worth(unseen) for row, unseen in unseen_of.items()}
        best = whole[select(list(worth.values()), self.plan.select)]
        worth |= {row: ended.value for row, ended in trained.ended.items()}
        candidates = tuple(
            Candidate(name, worth.get(row, float("nan")), row == best, trained.note(row, own_values(self.plan, row)))
            for row, name in enumerate(names)
        )
        return self._fitted(trained, answers[best], unseen_of[best], candidates), answers[best]

    def train(
        self,
        rows: NDArray[np.int64],
        members: Sequence[int],
        run: str,
        stages: Stages,
        until: Sequence[int] | None = None,
    ) -> Trained:
        """Train a population on these pictures.

        Args:
            rows: Pictures by number.
            members: Which members of the plan, from 0.
            run: The name of this training in the record.
            stages: Where progress is shown and time is kept.
            until: After how many epochs each of them ends, of a course that is planned for all epochs; None for no
                such end.
        """
        name = "train" if run == "choose" else "train on all"
        seeds = [self.plan.seed + member for member in members]
        if isinstance(self.plan.optimizer, Minimizer):
            population, held = self.population(seeds, members), self._held(run)
            self._try_end(population)
            return Minimization(self.plan, population, *self._tensors(), rows, held, run, members).train(stages, name)
        segments = self._segments(rows, run, members)
        loop = segments.start(len(members))
        self._try_end(loop.population)
        loop.collector, loop.until = self._collector(loop, members), until
        memory = self.memory(loop, segments.carried[0].at_once)
        check_memory(memory, available_bytes(self.plan.device))
        stages.progress.say(str(memory))
        with stages.stage("train", name, loop.epochs * len(loop.batches)) as advance:
            loop.advance = advance
            last, alive = segments.train(loop)
        sentences = (sentence for carried in segments.carried for sentence in carried.sentences())
        course = (str(memory), *sentences, last.timeline.shares().sentence())
        decided, kept, ended = segments.decided(last), segments.kept, segments.ended
        return Trained(
            loop.population, alive, tuple(last.history), decided, loop.collector, kept, course=course, ended=ended
        )

    def _segments(self, rows: NDArray[np.int64], run: str, members: Sequence[int]) -> Segments:
        """The training of some members of the plan; rungs act while there is a choice."""

        def prepare(places: Sequence[int], compiled: bool | None) -> Loop:
            own = [members[place] for place in places]
            segment = replace(self, plan=replace(self.plan, compiled=compiled))
            return segment.prepare(rows, [self.plan.seed + member for member in own], run, own)

        return Segments(self.plan, list(self.plan.rungs) if run == "choose" else [], prepare, _carried)

    def memory(self, loop: Loop, at_once: int = 1) -> Memory:
        """What a training will take, while so many members pass at a time."""
        plan, picture = self.plan, self.plan.picture
        return memory_of(
            loop.population.networks[0],
            plan.optimizer if isinstance(plan.optimizer, Rule) else None,
            (picture.channels, picture.size, picture.size),
            batch_size=plan.batch_size or len(loop.batches.indices),
            pictures=len(loop.batches.indices),
            members=loop.population.members,
            copies=loop.collector.copies if loop.collector else 0,
            at_once=at_once,
        )

    def _try_end(self, population: Population) -> None:
        """Let an ensemble that finds nothing to act on say so before training."""
        if self.plan.ensemble:
            self.plan.ensemble.finish(population.answering()[0])

    def _collector(self, loop: Loop, members: Sequence[int]) -> Collector | None:
        """What the plan's ensemble gathers."""
        ensemble, schedule = self.plan.ensemble, self.plan.schedule
        if ensemble is None or schedule is None:
            return None
        course = Course(len(members), loop.epochs, len(loop.batches), of_members(schedule, members))
        return ensemble.collector(course)

    def population(self, seeds: Sequence[int], members: Sequence[int]) -> Population:
        """Fresh members: some of the plan's, with these seeds."""
        plan, picture = self.plan, self.plan.picture
        shape = PictureShape(picture.channels, picture.size, len(self.classes))
        techniques = [[of_members(part, [member]) for part in plan.techniques] for member in members]
        return Population(plan.model, shape, seeds, plan.device, techniques=techniques)

    def prepare(self, rows: NDArray[np.int64], seeds: Sequence[int], run: str, members: Sequence[int]) -> Loop:
        """The loop of a training, ready to run; see `train`. Seeds need not be those of the plan."""
        plan = self.plan
        if not isinstance(plan.optimizer, Rule) or plan.schedule is None or plan.penalty is None:
            raise PlanError("Training in mini-batches needs an update rule, a schedule and penalties.")
        if plan.epochs is None or plan.batch_size is None:
            raise PlanError("Training from scratch needs epochs and batch_size.")
        rule, schedule = of_members(plan.optimizer, members), of_members(plan.schedule, members)
        penalties = tuple(of_members(penalty, members) for penalty in plan.penalty)
        population = self.population(seeds, members)
        images, labels = self._tensors()
        batches = Batches(
            images, labels, rows, batch_size=plan.batch_size, seeds=tuple(seeds), orders=self._orders(population, rows)
        )
        steps = plan.epochs * len(batches)
        stepper = Stepper(
            rule, schedule, penalties, population.layout, population.theta, population.gradient, steps, plan.compiled
        )
        streams = range(len(seeds))
        return Loop(population, stepper, batches, streams, plan.picture, plan.epochs, self._held(run), run)

    def _orders(self, population: Population, rows: NDArray[np.int64]) -> list[Order] | None:
        """The epochs of members whose techniques decide which pictures come; None where no technique does."""
        if not any(member.changes_orders for member in population.techniques):
            return None
        return [partial(member.order, self.pack.labels[rows]) for member in population.techniques]

    def _held(self, run: str) -> Held | None:
        """The validation pictures, while a choice is to be made."""
        rows = self.split.validation
        return Held(self._tensors()[0], rows, self.pack.labels[rows]) if run == "choose" and len(rows) else None

    def _assembly(self, trained: Trained, rows: NDArray[np.int64]) -> Assembly:
        """What makes answers of a population that was trained on these pictures."""
        spread = rows[np.linspace(0, len(rows) - 1, min(len(rows), REESTIMATED)).astype(np.int64)]
        images, _ = self._tensors()
        return Assembly(
            trained, self.plan.ensemble, lambda: filter(_several, packed(images, spread, self.plan.picture))
        )

    def _again(self, fitted: Fitted, answer: Answer, before: Trained, stages: Stages) -> Fitted:
        """Repeat the training of what was chosen on training and validation pictures together."""
        rows = np.sort(np.concatenate([self.split.train, self.split.validation]))
        chosen, recipe = tuple(dict.fromkeys(answer.rows)), answer.recipe
        if recipe and self.plan.ensemble and self.plan.ensemble.pools:
            alive = [row for row in range(self.plan.members) if bool(before.alive[row])]
            chosen = tuple(alive[place] for place in recipe.used)
            recipe = recipe.restricted(recipe.used)
        until = [before.kept[row] for row in chosen] if before.kept else None
        repeated = replace(self, plan=replace(self.plan, graph=fitted.decided.graph or self.plan.graph))
        trained = repeated.train(rows, chosen, "refit", stages, until)
        assembly = self._assembly(trained, rows)
        again = assembly.answer(range(len(chosen)), recipe=recipe)
        return replace(
            fitted,
            network=again.network,
            history=fitted.history + trained.history,
            decided=fitted.decided.filled(trained.decided),
            refit=f"The chosen training was repeated on all {len(rows):,} training and validation pictures.",
        )

    def _judging(self) -> Judging:
        rows = self.split.validation
        return Judging(self.plan, self._tensors()[0], rows, self.pack.labels[rows], self.classes)

    def _tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.plan.device
        return torch.as_tensor(self.pack.images).to(device), torch.as_tensor(self.pack.labels).to(device)

    def _fitted(
        self, trained: Trained, answer: Answer, unseen: Evidence | None, candidates: tuple[Candidate, ...]
    ) -> Fitted:
        ensemble = self.plan.ensemble
        return Fitted(
            network=answer.network,
            temperature=unseen.temperature() if unseen else 1.0,
            unseen=unseen,
            candidates=candidates,
            history=trained.history,
            failed=tuple(torch.nonzero(~trained.alive).flatten().tolist()),
            decided=trained.decided,
            course=trained.course,
            members=answer.rows,
            combined=f"{name_of(ensemble)}, {answer.recipe.described()}" if ensemble and answer.recipe else "",
            ended=trained.ended,
        )


def _carried(loop: Loop, wishes: Wishes, epochs: int) -> Carried:
    """How the passes of so many epochs are carried out."""
    passes = 2 if loop.stepper.needs_probe else 1
    sample = loop.seen(loop.batches.at(0, 0), 0)
    return carry_out(loop.population, sample, passes * epochs * len(loop.batches), wishes)


def _several(batch: torch.Tensor) -> bool:
    """Whether statistics of a batch exist."""
    return len(batch) > 1
