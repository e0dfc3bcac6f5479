"""An ensemble: what is gathered while training, what is made of it, and how it answers.

    after each step    collector    weights are copied or averaged
    after training     combine      candidates become networks that vote
    when it answers    finish       the network is wrapped, for ensembles that look several times at a picture

An ensemble overrides the moments at which it acts. Candidates are the final weights of members, or what the collector
gathered of them. Where `pools` is true, those of all members are combined into one answer. Otherwise the candidates of
each member are combined apart, and one member is chosen by validation as without an ensemble.
"""

from abc import ABC
from dataclasses import dataclass

from torch import nn

from ravine.ensemble.collector import Collector, Course
from ravine.ensemble.judge import Judge
from ravine.ensemble.recipe import Recipe
from ravine.interfaces import Part, Rule


@dataclass(frozen=True)
class Ensemble(Part, ABC):
    """Several networks, or several looks at one picture, that answer as one."""

    @property
    def pools(self) -> bool:
        """Whether the candidates of all members are combined, not of each member apart."""
        return False

    @property
    def collects(self) -> bool:
        """Whether it gathers weights while members train."""
        return False

    @property
    def needs_validation(self) -> bool:
        """Whether `combine` asks the judge."""
        return False

    def reestimates(self, mixed: bool) -> bool:
        """Whether statistics of batch norm are computed anew, for a mixture of candidates or for one as it is."""
        del mixed
        return False

    def refuses(self, rule: Rule | None, members: int) -> str | None:
        """Why it cannot act in a training of so many members; None where it can.

        Args:
            rule: The update rule; None for a full-batch minimizer.
            members: K.
        """
        if self.collects and rule is None:
            return (
                f"{type(self).__name__} gathers weights after steps on mini-batches, and a full-batch minimizer takes "
                "none. Choose an update rule, or leave ensemble out."
            )
        if self.collects and rule is not None and rule.averages:
            return (
                f"{type(self).__name__} gathers the weights that are trained, but {type(rule).__name__} evaluates an "
                "average of its own. Choose another optimizer, or leave ensemble out."
            )
        if self.pools and members < 2:
            return f"{type(self).__name__} combines members, and there is one. Set members=5, for example."
        return None

    def collector(self, course: Course) -> Collector | None:
        """What watches a training; None where the final weights are the candidates.

        Raises:
            PlanError: The training gives it nothing to gather.
        """
        del course

    def combine(self, candidates: int, judge: Judge | None) -> Recipe:
        """What is made of M candidates: without a better idea, each votes alike.

        Args:
            candidates: M, at least 1.
            judge: Validation pictures; None where there are none, and where `needs_validation` is false.
        """
        del judge
        return Recipe.of(range(candidates), candidates)

    def finish(self, network: nn.Module) -> nn.Module:
        """What answers in place of the network.

        Raises:
            PlanError: It can change nothing in this network.
        """
        return network
