"""Members that are watched on validation pictures: the weights of their best epochs, and who has ended."""

from collections.abc import Sequence

from torch import Tensor

from ravine.moments import Watch
from ravine.train.state import Population


class Watching:
    """What the techniques of a population that watch validation pictures have decided so far.

    Attributes:
        epochs: For each watched member the number of the epoch whose weights are kept, from 1.
    """

    def __init__(self, population: Population) -> None:
        """Start to watch; nothing has been seen yet."""
        self._population = population
        watches = {row: member.watch() for row, member in enumerate(population.techniques)}
        self._watches: dict[int, Watch] = {row: watch for row, watch in watches.items() if watch}
        self._weights: dict[int, tuple[Tensor, Tensor]] = {}
        self.epochs: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Whether anyone is watched."""
        return bool(self._watches)

    def ends(self, row: int, epoch: int, nll: float, accuracy: float) -> bool:
        """Look at a member after an epoch, while theta holds the weights that were judged; whether it ends here."""
        if row not in self._watches:
            return False
        watch = self._watches[row] = self._watches[row].see(nll, accuracy)
        if watch.improved:
            self.epochs[row] = epoch
            self._weights[row] = (self._population.theta[row].clone(), self._population.buffers[row].clone())
        return watch.stops

    def part(self, rows: Sequence[int], population: Population) -> "Watching":
        """What has been decided of some members, who go on in a population of their own, in this order."""
        part = Watching(population)
        places = {row: place for place, row in enumerate(rows)}
        part._watches = {places[row]: watch for row, watch in self._watches.items() if row in places}
        part._weights = {places[row]: weights for row, weights in self._weights.items() if row in places}
        part.epochs = {places[row]: epoch for row, epoch in self.epochs.items() if row in places}
        return part

    def restore(self) -> None:
        """Put the weights and buffers of the best epochs back."""
        for row, (theta, buffers) in self._weights.items():
            self._population.theta[row].copy_(theta)
            self._population.buffers[row].copy_(buffers)
