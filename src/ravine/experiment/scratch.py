"""Train every parameter from scratch: all members at once, choose one, and train it again on all pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ravine.base.errors import PlanError
from ravine.data.batches import Batches, Order
from ravine.data.pack import Pack
from ravine.data.split import Split
from ravine.device.available import available_bytes
from ravine.ensemble.collector import Collector, Course
from ravine.ensemble.judge import Judge
from ravine.ensemble.recipe import Mixture, Recipe
from ravine.experiment.assembly import Answer, Assembly
from ravine.experiment.fitted import Candidate, Decided, Evidence, Fitted, Trained, select
from ravine.experiment.minimization import Minimization
from ravine.experiment.stages import Stages
from ravine.interfaces import Rule
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.catalog import name_of
from ravine.plan.members import of_members
from ravine.plan.plan import Plan
from ravine.train.carrying import Carried, Wishes, carry_out
from ravine.train.evaluate import logits, packed
from ravine.train.loop import Held, Loop
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
        if ensemble and ensemble.needs_validation:
            raise PlanError(
                f"{type(ensemble).__name__} needs validation pictures to choose by. Set split.validation above 0."
            )
        if members > 1 and not (ensemble and ensemble.pools):
            raise PlanError("members > 1 needs validation pictures to choose by. Set split.validation above 0.")

    def _choose(self, trained: Trained, assembly: Assembly) -> tuple[Fitted, Answer]:
        """The best answer on the validation pictures, among all that were considered."""
        names = [f"member {row + 1}, seed {self.plan.seed + row}" for row in range(self.plan.members)]
        groups = assembly.groups()
        if self.plan.ensemble and self.plan.ensemble.pools:
            answer = assembly.answer(groups[0], self._judge)
            unseen = self._unseen(answer.network)
            alone = [Candidate(names[row], self._value(assembly.alone(row).network), False) for row in groups[0]]
            together = Candidate(name_of(self.plan.ensemble), self._worth(unseen), True)
            return self._fitted(trained, answer, unseen, (*alone, together)), answer
        answers = {row: assembly.answer([row], self._judge) for (row,) in groups if bool(trained.alive[row])}
        unseen_of = {row: self._unseen(answer.network) for row, answer in answers.items()}
        values = [self._worth(unseen_of[row]) if row in unseen_of else float("nan") for row in range(self.plan.members)]
        best = select(values, self.plan.select)
        candidates = tuple(Candidate(names[row], value, row == best) for row, value in enumerate(values))
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
        loop = self.prepare(rows, seeds, run, members)
        self._try_end(loop.population)
        loop.collector, loop.until = self._collector(loop, members), until
        carried = self._carried(loop)
        loop.execution = carried.execution
        memory = self.memory(loop, carried.at_once)
        check_memory(memory, available_bytes(self.plan.device))
        stages.progress.say(str(memory))
        with stages.stage("train", name, loop.epochs * len(loop.batches)) as advance:
            loop.advance = advance
            history = tuple(loop.train())
        decided = Decided(
            loop.stepper.compiled,
            carried.way if len(members) > 1 else None,
            carried.graph.choice if carried.graph else None,
        )
        course = (str(memory), *carried.sentences(), loop.timeline.shares().sentence())
        return Trained(loop.population, loop.alive, history, decided, loop.collector, loop.kept, course)

    def _carried(self, loop: Loop) -> Carried:
        """How the passes are carried out."""
        plan = self.plan
        several = loop.population.members > 1
        wishes = Wishes(plan.execution if several else None, plan.graph, plan.precision)
        sample = loop.seen(loop.batches.at(0, 0), 0)
        passes = 2 if loop.stepper.needs_probe else 1
        return carry_out(loop.population, sample, passes * loop.epochs * len(loop.batches), wishes)

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

    def _judge(self, build: Callable[[Mixture], nn.Module]) -> Judge:
        """What mixtures are worth on the validation pictures."""
        rows = self.split.validation
        return Judge(lambda shares: self._logits(build(shares)), self.pack.labels[rows], self.plan.select)

    def _logits(self, network: nn.Module) -> NDArray[np.float32]:
        return logits(network, packed(self._tensors()[0], self.split.validation, self.plan.picture))

    def _unseen(self, network: nn.Module) -> Evidence:
        rows = self.split.validation
        return Evidence(self._logits(network), self.pack.labels[rows], f"the {len(rows):,} validation pictures")

    def _worth(self, unseen: Evidence) -> float:
        return float(getattr(unseen.scores(self.classes), self.plan.select))

    def _value(self, network: nn.Module) -> float:
        return self._worth(self._unseen(network))

    def _tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.plan.device
        return torch.as_tensor(self.pack.images).to(device), torch.as_tensor(self.pack.labels).to(device)

    def _fitted(
        self, trained: Trained, answer: Answer, unseen: Evidence | None, candidates: tuple[Candidate, ...]
    ) -> Fitted:
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
            combined=self._combined(answer.recipe),
        )

    def _combined(self, recipe: Recipe | None) -> str:
        ensemble = self.plan.ensemble
        return f"{name_of(ensemble)}, {recipe.described()}" if ensemble and recipe else ""


def _several(batch: torch.Tensor) -> bool:
    """Whether statistics of a batch exist."""
    return len(batch) > 1
