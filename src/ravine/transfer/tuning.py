"""Train the last stages of a body and its head: training from scratch that begins elsewhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.data.reading import Reading
from ravine.experiment.fitted import Trained
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.models.architecture import Architecture
from ravine.transfer.tuned import Prepared

Begin = Callable[[NDArray], nn.Module]
"""From the pictures of a training, as rows of the pack, to the network that it begins with."""


@dataclass(frozen=True, kw_only=True)
class Tuning(Scratch):
    """Training of stages that are pretrained.

    Attributes:
        begin: Gives the network that every member begins with.
        depths: For each parameter of the body, how many stages below the head it is; the head has 0.
        read: How what was stored of pictures becomes what the network reads.
    """

    begin: Begin
    depths: Mapping[str, int]
    read: Reading

    @property
    def reading(self) -> Reading:
        """See `Planned.reading`."""
        return self.read

    def architecture(self, rows: NDArray) -> Architecture:
        """See `Planned.architecture`."""
        return Prepared(self.begin(rows))

    def rates(self, layout: Layout) -> Tensor | None:
        """decayᵈ for the parameters d stages below the head, [P]; None where all have the same rate."""
        if self.plan.tuning is None:
            raise PlanError(f"transfer={self.plan.transfer} needs tuning. Add it to the plan.")
        decay = self.plan.tuning.decay
        if decay == 1:
            return None
        depths = [self.depths.get(slot.name.removeprefix("body."), 0) for slot in layout.slots]
        parts = zip(layout.slots, depths, strict=True)
        return torch.cat([torch.full((slot.size,), decay**depth) for slot, depth in parts])

    def for_statistics(self, rows: NDArray) -> Iterable[Tensor]:
        """None: batch norms keep the statistics of the pretraining."""
        del rows
        return ()

    def train(
        self,
        rows: NDArray,
        members: Sequence[int],
        run: str,
        stages: Stages,
        until: Sequence[int] | None = None,
    ) -> Trained:
        """See `Scratch.train`; the head comes first."""
        with stages.stage("train", "head", 1) as advance:
            self.begin(rows)
            advance(1)
        return super().train(rows, members, run, stages, until)

    def alone(self, trained: Trained, rows: NDArray) -> nn.Module:
        """The first member after training, in evaluation mode."""
        return self._assembly(trained, rows).alone(0).network
