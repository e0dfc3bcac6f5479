"""Train every parameter from scratch: all members at once, choose one, and train it again on all pictures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.base.errors import PlanError
from ravine.base.seeds import numpy_generator
from ravine.device.available import available_bytes
from ravine.experiment.assembly import Answer, Assembly
from ravine.experiment.fitted import Candidate, Decided, Evidence, Fitted, Trained, select
from ravine.experiment.gathering import check_gathering, collector
from ravine.experiment.judging import Judging
from ravine.experiment.minimization import Minimization
from ravine.experiment.planned import Planned
from ravine.experiment.segments import Segments
from ravine.experiment.stages import Stages
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.catalog import name_of
from ravine.plan.members import own_values
from ravine.train.carrying import Carried, Wishes, carry_out
from ravine.train.evaluate import packed
from ravine.train.loop import Loop
from ravine.train.memory import check_memory
from ravine.train.state import Population

REESTIMATED = 10_000
"""Pictures, at most, for statistics of batch norm that are computed anew."""


@dataclass(frozen=True)
class Scratch(Planned):
    """Training from scratch."""

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
            name = name_of(plan.ensemble) if plan.ensemble else "member 1"
            return self._fitted(trained, answer, None, (Candidate(name, float("nan"), True),))
        fitted, answer = self._choose(trained, assembly)
        return self._again(fitted, answer, trained, stages) if plan.refit else fitted

    def _check_choice(self) -> None:
        ensemble, members = self.plan.ensemble, self.plan.members
        trained, validation = len(self.split.train), len(self.split.validation)
        check_gathering(self.plan, trained, trained + validation)
        if validation:
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
        if isinstance(self.plan.optimizer, Minimizer):
            return self._minimized(rows, members, run).train(stages, name)
        segments = self._segments(rows, run, members)
        loop = segments.start(len(members))
        self._try_end(loop.population)
        loop.collector, loop.until = collector(self.plan, members, len(rows)), until
        memory = self.memory(loop, segments.carried[0].at_once)
        check_memory(memory, available_bytes(self.plan.device))
        stages.progress.say(str(memory))
        with stages.stage("train", name, loop.epochs * len(loop.batches)) as advance:
            loop.advance = advance
            last, alive = segments.train(loop)
        course = (str(memory), *segments.sentences(), last.timeline.shares().sentence())
        decided, kept, ended = segments.decided(last), segments.kept, segments.ended
        return Trained(
            loop.population, alive, tuple(last.history), decided, loop.collector, kept, course=course, ended=ended
        )

    def _minimized(self, rows: NDArray[np.int64], members: Sequence[int], run: str) -> Minimization:
        """The same by a full-batch minimizer."""
        population = self.population([self.plan.seed + member for member in members], members, rows)
        self._try_end(population)
        return Minimization(self.plan, population, *self.tensors(), rows, self.held(run), run, members)

    def _segments(self, rows: NDArray[np.int64], run: str, members: Sequence[int]) -> Segments:
        """The training of some members of the plan; rungs act while there is a choice."""

        def prepare(places: Sequence[int], compiled: bool | None) -> Loop:
            own = [members[place] for place in places]
            segment = replace(self, plan=replace(self.plan, compiled=compiled))
            return segment.prepare(rows, [self.plan.seed + member for member in own], run, own)

        return Segments(self.plan, list(self.plan.rungs) if run == "choose" else [], prepare, _carried)

    def _try_end(self, population: Population) -> None:
        """Let an ensemble that finds nothing to act on say so before training."""
        if self.plan.ensemble:
            self.plan.ensemble.finish(population.answering()[0])

    def _assembly(self, trained: Trained, rows: NDArray[np.int64]) -> Assembly:
        """What makes answers of a population that was trained on these pictures."""
        return Assembly(trained, self.plan.ensemble, lambda: self.for_statistics(rows))

    def for_statistics(self, rows: NDArray[np.int64]) -> Iterable[torch.Tensor]:
        """Batches of the pictures of a training, for statistics of batch norm that are computed anew."""
        return filter(_several, packed(self.tensors()[0], self.mixed(rows), self.reading))

    def mixed(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pictures for statistics of batch norm: in an order by chance, since sources are often sorted by class."""
        return numpy_generator(self.plan.seed, "re-estimation").permutation(rows)[:REESTIMATED]

    def _again(self, fitted: Fitted, answer: Answer, before: Trained, stages: Stages) -> Fitted:
        """Repeat the training of what was chosen on training and validation pictures together."""
        rows = np.sort(np.concatenate([self.split.train, self.split.validation]))
        chosen, recipe = tuple(dict.fromkeys(answer.rows)), answer.recipe
        if recipe and self.plan.ensemble and self.plan.ensemble.pools:
            alive = [row for row in range(self.plan.members) if bool(before.alive[row])]
            chosen = tuple(alive[place] for place in recipe.used)
            recipe = recipe.restricted(recipe.used)
        until = [before.kept[row] for row in chosen] if before.kept else None
        decided = fitted.decided.filled(Decided.of(self.plan))
        trained = replace(self, plan=decided.into(self.plan)).train(rows, chosen, "refit", stages, until)
        if not bool(trained.alive.all()):
            return replace(fitted, refit="Repeated on all pictures, the training failed; the first one is kept.")
        assembly = self._assembly(trained, rows)
        again = assembly.answer(range(len(chosen)), recipe=recipe)
        return replace(
            fitted,
            network=again.network,
            history=fitted.history + tuple(replace(one, member=chosen[one.member]) for one in trained.history),
            decided=decided.filled(trained.decided),
            refit=f"The chosen training was repeated on all {len(rows):,} training and validation pictures.",
        )

    def _judging(self) -> Judging:
        rows = self.split.validation
        return Judging(self.plan, self.reading, self.tensors()[0], rows, self.pack.labels[rows], self.classes)

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
