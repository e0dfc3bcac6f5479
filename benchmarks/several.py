"""Several collectors on one training, so that what they gather can be compared on the same weights."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from ravine.ensemble.candidates import Candidates
from ravine.ensemble.collector import Collector


class Several(Collector):
    """Collectors that watch the same training."""

    def __init__(self, parts: Sequence[Collector]) -> None:
        self.parts = parts

    def update(self, theta: Tensor, buffers: Tensor, step: int) -> None:
        """See `Collector.update`."""
        for part in self.parts:
            part.update(theta, buffers, step)

    @property
    def copies(self) -> int:
        """Those of all parts."""
        return sum(part.copies for part in self.parts)

    def candidates(self, member: int) -> Candidates:
        """Those of all parts, one after another."""
        return Candidates.joined([part.candidates(member) for part in self.parts])

    def state_dict(self) -> dict[str, Tensor]:
        """Each part's, under its number."""
        parts = enumerate(self.parts)
        return {f"{number}/{name}": value for number, part in parts for name, value in part.state_dict().items()}

    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """See `Collector.load_state_dict`."""
        for number, part in enumerate(self.parts):
            stem = f"{number}/"
            part.load_state_dict({name[len(stem) :]: saved[name] for name in saved if name.startswith(stem)})
