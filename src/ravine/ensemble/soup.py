"""Soups: averages of the weights of networks that were trained to their ends."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ravine.base.errors import PlanError
from ravine.base.ranges import Range
from ravine.ensemble.collector import Course, Kept
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.judge import Judge, by_worth
from ravine.ensemble.recipe import Recipe, mixture


@dataclass(frozen=True)
class Soup(Ensemble):
    """A soup: one network whose weights are the mean of several.

        uniform    θ̄ = mean of all candidates
        greedy     S ← {the best on validation}; for each other θ, from good to bad:
                       S ← S + {θ} if the mean of S + {θ} is not worse on validation than the mean of S

    The greedy soup is never worse on the validation pictures than the best candidate, by construction; candidates and
    soups are compared as they would be shipped, soups with their statistics of batch norm computed anew.

    Means make sense within one basin of the loss. Members that start from the same pretrained weights share it. Members
    with random initializations of their own do not: their mean answers like an untrained network, and the greedy soup
    is then the best member alone. For these, `epochs` averages along the way of each member instead.

    Helps to bring several fine-tunings of one body together, in one network that answers as fast as one. Published for
    72 of them on ImageNet: best 80.39 %, uniform soup 79.97 % (worse than the best), greedy soup 81.03 %.

    Source: Wortsman et al., "Model soups", 2022, Recipe 1.

    Attributes:
        kind: Whether candidates are chosen.
        of: What the candidates are: the final weights of the members, or those after each epoch of one training.
        start: The share of the run after which epochs are candidates, in [0, 1).
    """

    kind: Literal["greedy", "uniform"] = "greedy"
    of: Literal["members", "epochs"] = "members"
    start: Annotated[float, Range(0, 1, high_open=True)] = 0.5

    @property
    def pools(self) -> bool:
        """Whether members are the candidates."""
        return self.of == "members"

    @property
    def collects(self) -> bool:
        """Whether epochs are."""
        return self.of == "epochs"

    @property
    def needs_validation(self) -> bool:
        """Whether there is a choice."""
        return self.kind == "greedy"

    def reestimates(self, mixed: bool) -> bool:
        """Of averages, which have activations of their own; one candidate alone has what it was trained with."""
        return mixed

    def collector(self, course: Course) -> Kept | None:
        """Copies after each epoch behind the start."""
        if self.of == "members":
            return None
        epochs = [epoch for epoch in range(1, course.epochs + 1) if epoch > self.start * course.epochs]
        if len(epochs) < 2:
            raise PlanError(
                f"ensemble.of=epochs averages epochs behind ensemble.start={self.start:g}, and of "
                f"{course.epochs} there is only one. Set more epochs, or a smaller ensemble.start."
            )
        return Kept([[epoch * course.steps_per_epoch for epoch in epochs]] * course.members)

    def combine(self, candidates: int, judge: Judge | None) -> Recipe:
        """All, or the greedy choice; see `Ensemble.combine`."""
        if self.kind == "uniform":
            return Recipe.average(range(candidates), candidates)
        if judge is None:
            raise PlanError("A greedy soup needs validation pictures to choose by. Set split.validation above 0.")
        return Recipe.average(greedy_soup(candidates, judge), candidates)


def greedy_soup(candidates: int, judge: Judge) -> list[int]:
    """The places of the candidates whose mean the greedy procedure arrives at, the best one first."""
    worths = [judge.worth(said) for said in judge.alone(candidates)]
    best, *others = by_worth(worths)
    chosen, worth = [best], worths[best]
    for place in others:
        trial = judge.worth(judge.probabilities(mixture([*chosen, place], candidates)))
        if trial >= worth:
            chosen, worth = [*chosen, place], trial
    return chosen
