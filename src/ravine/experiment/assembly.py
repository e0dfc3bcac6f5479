"""From a population after training to networks that answer: members as they are, or what an ensemble makes of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ravine.base.errors import PlanError
from ravine.ensemble.candidates import Candidates, with_weights
from ravine.ensemble.committee import answering
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.judge import Judge
from ravine.ensemble.recipe import Mixture, Recipe
from ravine.experiment.fitted import Trained
from ravine.regularize.batch_norm import reestimate

Worth = Callable[[Callable[[Mixture], nn.Module]], Judge]
"""From a way to build a network to a judge of mixtures on validation pictures."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A network that answers, and how it came about.

    Attributes:
        network: From float pictures to logits, in evaluation mode.
        rows: The rows of the population in it, one for each network inside.
        recipe: What an ensemble made of its candidates; None without an ensemble.
    """

    network: nn.Module
    rows: tuple[int, ...]
    recipe: Recipe | None


@dataclass(frozen=True, eq=False)
class Assembly:
    """Makes answers from a population after training.

    Attributes:
        trained: The population, and what was gathered.
        ensemble: What is made of it; None for each member as it is.
        pictures: Batches of the pictures it was trained on, as a network reads them.
    """

    trained: Trained
    ensemble: Ensemble | None
    pictures: Callable[[], Iterable[Tensor]]

    def groups(self) -> list[list[int]]:
        """Rows whose candidates are put together: all that are alive, or each apart."""
        rows = list(range(self.trained.population.members))
        alive = [row for row in rows if bool(self.trained.alive[row])]
        return [alive] if self.ensemble and self.ensemble.pools else [[row] for row in rows]

    def alone(self, row: int) -> Answer:
        """A member without an ensemble."""
        population = self.trained.population
        return Answer(population.techniques[row].finished(population.networks[row]).eval(), (row,), None)

    def answer(self, rows: Sequence[int], worth: Worth | None = None, recipe: Recipe | None = None) -> Answer:
        """What these rows answer together.

        Args:
            rows: Of one group.
            worth: Gives the judge for an ensemble that chooses; None where there are no validation pictures.
            recipe: A recipe that was found before, to be followed again; None to find one.
        """
        if self.ensemble is None:
            return self.alone(rows[0])
        parts = [self._candidates(row) for row in rows]
        owners = [row for row, part in zip(rows, parts, strict=True) for _ in range(len(part))]
        candidates = Candidates.joined(parts)

        def build(shares: Mixture) -> nn.Module:
            return self._built(candidates, owners, shares)

        if recipe is None:
            recipe = self.ensemble.combine(len(candidates), worth(build) if worth else None)
        if len(candidates) != len(recipe.mixtures[0]):
            raise PlanError(
                f"The recipe is for {len(recipe.mixtures[0])} sets of weights, and {len(candidates)} were gathered. "
                "Set schedule.unit=run, or refit=false."
            )
        network = self.ensemble.finish(answering([build(shares) for shares in recipe.mixtures], recipe.votes))
        return Answer(network.eval(), tuple(owners[_first(shares)] for shares in recipe.mixtures), recipe)

    def _candidates(self, row: int) -> Candidates:
        if self.trained.collector:
            return self.trained.collector.candidates(row)
        population = self.trained.population
        return Candidates(population.theta[row : row + 1], population.buffers[row : row + 1])

    def _built(self, candidates: Candidates, owners: Sequence[int], shares: Mixture) -> nn.Module:
        """A network with mixed weights and the techniques of its first candidate's owner."""
        population, owner = self.trained.population, owners[_first(shares)]
        network = with_weights(population.networks[owner], population.layout, *candidates.mixed(shares))
        if self.ensemble and self.ensemble.reestimates(sum(share > 0 for share in shares) > 1):
            reestimate(network, self.pictures())
        return population.techniques[owner].finished(network).eval()


def _first(shares: Mixture) -> int:
    return next(place for place, share in enumerate(shares) if share)
