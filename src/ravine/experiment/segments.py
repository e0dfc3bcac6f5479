"""A training in segments: where members end early, the others go on as a smaller population.

A population takes memory and arithmetic for each of its rows, also for those that have ended. So its members move to a
smaller one at a rung, and when early stopping or failures have left half of them. They take their weights, buffers,
states, steps and clocks along; what they see, draw and learn does not change. At the end all are put back into the
whole population, those that ended early with the weights that they ended with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ravine.experiment.fitted import Decided, Ended, ranking
from ravine.plan.plan import Plan
from ravine.plan.rungs import Rung, Way
from ravine.train.carrying import Carried, Wishes
from ravine.train.loop import Loop

Prepare = Callable[[Sequence[int], bool | None], Loop]
"""From places in the whole population, and whether updates are compiled, to a loop of these members at its start."""

Carry = Callable[[Loop, Wishes, int], Carried]
"""From a loop, what the plan says and a number of epochs to how passes are carried out."""


@dataclass
class Segments:
    """One training.

    Attributes:
        plan: The choices.
        rungs: Where members end; what is measured there is written into them.
        prepare: Makes the loops.
        carry: Decides how passes are carried out.
        ended: Members that a rung has ended, by their places.
        kept: Of members that a technique watches, the number of the epoch whose weights were kept.
        carried: How the passes of each segment were carried out.
    """

    plan: Plan
    rungs: list[Rung]
    prepare: Prepare
    carry: Carry
    ended: dict[int, Ended] = field(init=False, default_factory=dict)
    kept: dict[int, int] = field(init=False, default_factory=dict)
    carried: list[Carried] = field(init=False, default_factory=list)

    def start(self, members: int) -> Loop:
        """The first segment, ready to run.

        Raises:
            PlanError: The plan wants an execution that is not possible.
        """
        loop = self.prepare(range(members), self._compiled(0))
        self._carry(loop, self.plan.execution, 0)
        return loop

    def train(self, first: Loop) -> tuple[Loop, Tensor]:
        """Run all segments.

        Returns:
            The last loop, and which members are alive, bool [K]; `first` holds the whole population.

        Raises:
            TrainingError: No member that may be chosen has a finite loss.
        """
        loop, alive = first, first.alive.clone()
        loop.begin()
        for epoch in range(1, first.epochs + 1):
            loop.epoch(epoch - 1)
            if not bool(loop.active.any()):
                break
            smaller = self._smaller(loop, epoch) if epoch < first.epochs else None
            if smaller:
                self._close(loop, alive)
                loop = smaller
        self._close(loop, alive)
        return loop, alive

    def sentences(self) -> list[str]:
        """How the passes of all segments were carried out, in words."""
        return [sentence for carried in self.carried for sentence in carried.sentences()]

    def decided(self, last: Loop) -> Decided:
        """What was measured on the way."""
        first, graph = self.carried[0], self.carried[-1].graph
        several = first.execution.population.members > 1
        return Decided(
            compiled=last.stepper.compiled,
            execution=first.way if several else None,
            graph=graph.choice if graph else None,
            rungs=tuple(self.rungs),
        )

    def _smaller(self, loop: Loop, epoch: int) -> Loop | None:
        """The next segment, if one begins after this epoch."""
        rows = torch.nonzero(loop.active).flatten().tolist()
        place = next((place for place, rung in enumerate(self.rungs) if rung.epoch == epoch), None)
        if place is not None:
            rows = self._best(loop, rows, self.rungs[place])
        few = place is not None or (2 * len(rows) <= loop.population.members and not loop.stepper.compiled)
        if len(rows) == loop.population.members or not few:
            return None
        wish = self.carried[-1].way if place is None else self.rungs[place].execution or self.plan.execution
        smaller = self.prepare([loop.members[row] for row in rows], self._compiled(epoch))
        smaller.go_on(loop, rows)
        self._carry(smaller, wish, epoch)
        if place is not None and len(rows) > 1:
            self.rungs[place] = replace(self.rungs[place], execution=self.carried[-1].way)
        return smaller

    def _best(self, loop: Loop, rows: Sequence[int], rung: Rung) -> list[int]:
        """The rows that go on, in order; the others are noted. Who had ended by itself is not compared."""
        values = [getattr(loop.judged[row], self.plan.select) for row in rows]
        order = ranking(values, self.plan.select)
        for place in order[rung.keep :]:
            self.ended[loop.members[rows[place]]] = Ended(rung.epoch, values[place])
        return sorted(rows[place] for place in order[: rung.keep])

    def _ends_later(self, epoch: int) -> list[int]:
        """The epochs of the rungs to come."""
        return [rung.epoch for rung in self.rungs if rung.epoch > epoch]

    def _compiled(self, epoch: int) -> bool | None:
        return False if self._ends_later(epoch) else self.plan.compiled

    def _carry(self, loop: Loop, execution: Way | None, epoch: int) -> None:
        later = self._ends_later(epoch)
        graph = "eager" if later else self.plan.graph
        wishes = Wishes(execution if len(loop.members) > 1 else None, graph, self.plan.precision)
        self.carried.append(self.carry(loop, wishes, min(later, default=loop.epochs) - epoch))
        loop.execution = self.carried[-1].execution

    def _close(self, loop: Loop, alive: Tensor) -> None:
        loop.finish()
        alive[torch.tensor(loop.members)] = loop.alive
        self.kept |= {loop.members[row]: epoch for row, epoch in loop.kept.items()}
