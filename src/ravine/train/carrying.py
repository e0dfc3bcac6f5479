"""How the passes of a training are carried out: as a plan says, or as measured before the first step.

Members of a population may take their passes one after another, in threads, side by side, or side by side in threads
(`ravine.train.race`); one after another, each pass may be eager or compiled (`ravine.train.graph`). The decisions leave
no trace, but change the last bits of a result: what was decided belongs into the plan of the run.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ravine.base.errors import PlanError
from ravine.device.allocator import give_freed_memory_back
from ravine.plan.rungs import Way
from ravine.train.execution import Execution, Looped, Seen
from ravine.train.graph import Choice, Graph, draws_inside
from ravine.train.precision import Precision
from ravine.train.race import choose, executions
from ravine.train.stacked import Stacked
from ravine.train.state import Population

WORDS: dict[Way, str] = {
    "looped": "one after another",
    "spread": "in threads of their own",
    "stacked": "side by side, as one network",
    "spread_stacked": "side by side, in as many parts as there are threads",
}


@dataclass(frozen=True)
class Wishes:
    """What a plan says of it.

    Attributes:
        execution: How members take their passes; None to measure.
        graph: Eager or compiled; None to measure.
        precision: Of the networks.
    """

    execution: Way | None = None
    graph: Choice | None = None
    precision: Precision = "full"


@dataclass(frozen=True, eq=False)
class Carried:
    """What it came to.

    Attributes:
        execution: Carries the passes out.
        way: Its name.
        graph: Decides at the first batch; None where members do not pass one after another.
    """

    execution: Execution
    way: Way
    graph: Graph | None

    @property
    def at_once(self) -> int:
        """How many members' batches are in memory at the same time."""
        return self.execution.at_once

    def sentences(self) -> tuple[str, ...]:
        """What was decided, in words."""
        members = self.execution.population.members
        together = (f"The {members} members took their passes {WORDS[self.way]}.",) if members > 1 else ()
        return together + ((self.graph.reason,) if self.graph and self.graph.reason else ())


def carry_out(population: Population, sample: Seen, steps: int, wishes: Wishes) -> Carried:
    """Decide.

    Args:
        population: The members.
        sample: What they see of a batch.
        steps: Of the whole training.
        wishes: What the plan says.

    Raises:
        PlanError: The plan wants an execution that is not possible for these members.
    """
    one_by_one = population.members == 1 or wishes.execution == "looped"
    if one_by_one or (wishes.execution is None and wishes.precision != "full"):
        return _looped(population, steps, wishes)
    candidates = executions(population, sample)
    way = wishes.execution or choose(population, candidates, sample, remaining=steps)
    give_freed_memory_back()  # members side by side take more than one after another
    if way not in candidates:
        raise PlanError(
            f"execution = {way!r} is not possible for these members: {_why(population, way)} "
            f"Choose one of {', '.join(candidates)}, or leave it out."
        )
    return _looped(population, steps, wishes) if way == "looped" else Carried(candidates[way], way, None)


def _looped(population: Population, steps: int, wishes: Wishes) -> Carried:
    """One after another, with a graph that is decided at the first batch."""
    blocked = draws_inside(population.networks[0])
    if blocked and wishes.graph == "compiled":
        raise PlanError(f"graph = 'compiled' is not possible here. {blocked} Leave it out, or set graph=eager.")
    graph = Graph(wishes.graph or "auto", blocked, wishes.precision)
    return Carried(Looped(population, _loss(graph, steps * population.members)), "looped", graph)


def _loss(graph: Graph, passes: int) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    return lambda network, pixels, targets: graph.loss(network, pixels, targets, lambda: passes)


def _why(population: Population, way: Way) -> str:
    reason = Stacked.refuses(population) if "stacked" in way else None
    return reason or "they would need more memory, or more threads, than there are."
