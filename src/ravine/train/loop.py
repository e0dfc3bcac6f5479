"""The training loop, drawn once.

for each epoch
    for each batch of the epoch's order
        pixels   gathered from the pack, one batch a stream; a member's techniques change its pictures and targets;
                 made float and normalised
        logits   of every member, in training mode
        losses   mean cross-entropy, one a member; their sum's backward pass fills the gradient slab
        probe    for rules that want the gradient elsewhere: theta moves there, and the gradient is taken again
        step     rule, schedule and penalties change theta; a member whose loss is not finite stays as it is
        after    a member's techniques change its weights
        collect  an ensemble copies or averages weights
    weights      those that the rule wants to be judged (an average, for some)
    validation   negative log-likelihood and accuracy of every member, as it would answer
    record       one line a member
    watch        a technique may keep these weights, or end the member's training
end              weights to be judged stay, or those that were kept; a member whose last step went wrong has ended too
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ravine.base.errors import PlanError, TrainingError
from ravine.data.batches import Batch, Batches, channels_first
from ravine.data.preprocess import Preprocess
from ravine.ensemble.collector import Collector
from ravine.stats.calibration import probabilities
from ravine.stats.scores import negative_log_likelihood
from ravine.train.evaluate import logits, packed
from ravine.train.execution import Execution, Looped
from ravine.train.record import Epoch
from ravine.train.state import Population
from ravine.train.step import Stepper
from ravine.train.timeline import Timeline
from ravine.train.watching import Watching


@dataclass(frozen=True)
class Held:
    """Validation pictures: rows of the pack, and their labels."""

    images: Tensor
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass
class Loop:
    """One training of one population.

    Attributes:
        population: The members.
        stepper: How they are changed.
        batches: What they see.
        streams: For each member, which stream of the batches it sees.
        picture: How pixels become tensors.
        epochs: Passes over the pictures.
        held: Pictures to judge by after each epoch; None for none.
        run: The name of this training in the record.
        advance: Called with the number of steps done.
        collector: What an ensemble gathers; None for nothing.
        until: For each member, the number of the epoch after which it ends, of a course that is planned for all of
            them; None for no such end.
        execution: How forward and backward passes are carried out; one member after another unless set otherwise.
        timeline: Where the time goes.
        alive: Bool [K]; false for members whose loss was not finite.
        active: Bool [K]; false also for members that a technique has ended.
        kept: Of members that a technique watches, the number of the epoch whose weights were the best, from 1.
        history: The record.
    """

    population: Population
    stepper: Stepper
    batches: Batches
    streams: Sequence[int]
    picture: Preprocess
    epochs: int
    held: Held | None = None
    run: str = "choose"
    advance: Callable[[int], object] = lambda _: None
    collector: Collector | None = None
    until: Sequence[int] | None = None
    execution: Execution = field(init=False)
    alive: Tensor = field(init=False)
    active: Tensor = field(init=False)
    timeline: Timeline = field(init=False, default_factory=Timeline)
    history: list[Epoch] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        population, batches = self.population, self.batches
        self.alive = torch.ones(population.members, dtype=torch.bool, device=population.theta.device)
        self.active = self.alive.clone()
        self._sums = np.zeros(population.members)
        self._counts = torch.bincount(batches.labels[batches.indices].cpu(), minlength=population.shape.classes)
        self._watching = Watching(population)
        if self._watching and self.held is None and self.run == "choose":
            raise PlanError("early_stopping needs validation pictures to watch. Set split.validation above 0.")
        for network in population.networks:
            network.train()
        self._answering = population.answering()
        self.execution = Looped(population)
        self._own = {row for row, member in enumerate(population.techniques) if member.changes_batches}
        self._changed_after = [row for row, member in enumerate(population.techniques) if member.parts]

    @property
    def kept(self) -> dict[int, int]:
        """See `Loop`."""
        return self._watching.epochs

    def train(self) -> list[Epoch]:
        """Run all epochs.

        Returns:
            One entry a member and epoch.

        Raises:
            TrainingError: No member has a finite loss any more.
        """
        began = time.perf_counter()
        self.timeline = Timeline()
        for epoch in range(self.epochs):
            self._sums[:] = 0
            for number in range(len(self.batches)):
                self.step(number, epoch)
                self.advance(1)
            self._judge(epoch, began)
            self.timeline.lap("other")
            if not bool(self.active.any()):
                break
        self._adopt_evaluated()
        self._watching.restore()
        self._watch_end()
        self.timeline.lap("other")
        return self.history

    def step(self, number: int, epoch: int = 0) -> Tensor:
        """One step of every member, on one batch of an epoch; answers the loss of each before it, [K]."""
        batch = self.batches.at(epoch, number)
        seen = self.seen(batch, epoch)
        self.timeline.lap("data")
        active = None if bool(self.active.all()) else self.active
        steps = self.stepper.steps.tolist()
        losses = self.execution.losses(seen, steps, active)
        if self.stepper.needs_probe:
            self.stepper.probe()
            self.execution.losses(seen, steps, active)
        values = losses.double().cpu().numpy()
        if not np.isfinite(values).all():
            self._keep(torch.isfinite(losses) | ~self.active, f"The loss became {values[-1]}", batch)
            active = None if bool(self.active.all()) else self.active
        self._sums += values * batch.labels.shape[1]
        self.stepper.step(active)
        self._after()
        if self.collector:
            done = epoch * len(self.batches) + number + 1
            self.collector.update(self.population.theta, self.population.buffers, done)
        self.timeline.lap("arithmetic")
        return losses

    def seen(self, batch: Batch, epoch: int) -> list[tuple[Tensor, Tensor]]:
        """What each member sees of a batch: pixels as its network reads them, and targets."""
        plain: dict[int, tuple[Tensor, Tensor]] = {}
        seen = []
        for row, stream in enumerate(self.streams):
            if row in self._own:
                seen.append(self._seen_by(row, batch, epoch))
                continue
            if stream not in plain:
                plain[stream] = self._pixels(batch.images[stream]), batch.labels[stream]
            seen.append(plain[stream])
        return seen

    def _seen_by(self, row: int, batch: Batch, epoch: int) -> tuple[Tensor, Tensor]:
        """What a member with techniques of its own sees."""
        stream = self.streams[row]
        whole = {"epoch": epoch, "pictures": len(self.batches.labels), "counts": self._counts}
        images, targets = self.population.techniques[row].batch(
            batch.images[stream], batch.labels[stream], batch.rows[stream], **whole
        )
        return self._pixels(images), targets

    def _pixels(self, images: Tensor) -> Tensor:
        return self.picture.normalise(channels_first(images)).to(self.population.theta.dtype)

    @torch.no_grad()
    def _after(self) -> None:
        for row in self._changed_after:
            if bool(self.active[row]):
                member = self.population.techniques[row]
                member.after(self.population.theta[row : row + 1], self.population.layout)

    def _keep(self, finite: Tensor, event: str, batch: Batch) -> None:
        """Let members end whose numbers on a batch are not finite."""
        self.alive &= finite
        self.active &= finite
        if not bool(self.alive.any()):
            raise TrainingError(
                f"{event} at step {int(self.stepper.steps.max()) + 1}, on the pictures "
                f"{batch.rows[-1][:8].tolist()} … of the pack. Nothing was saved. Choose a smaller optimizer.lr."
            )

    def _watch_end(self) -> None:
        """What the last step did is seen in no later loss, so the last batch is looked at once more."""
        batch = self.batches.at(self.epochs - 1, len(self.batches) - 1)
        pixels = [self._pixels(images) for images in batch.images]
        found = [
            logits(network, [pixels[stream]])
            for network, stream in zip(self.population.networks, self.streams, strict=True)
        ]
        finite = torch.tensor([bool(np.isfinite(z).all()) for z in found], device=self.alive.device)
        self._keep(finite, "The loss would not be finite", batch)

    def _judge(self, epoch: int, began: float) -> None:
        pictures = len(self.batches.indices)
        rates, steps = self.stepper.learning_rate().tolist(), self.stepper.steps.tolist()
        trained = self._adopt_evaluated()
        for member, network in enumerate(self._answering):
            if bool(self.alive[member] & ~self.active[member]):
                continue
            nll, accuracy = judge(network, self.held, self.picture)
            if self._ends(member, epoch + 1, nll, accuracy):
                self.active[member] = False
            self.history.append(
                Epoch(
                    run=self.run,
                    member=member,
                    epoch=epoch + 1,
                    steps=steps[member],
                    learning_rate=rates[member],
                    train_loss=float(self._sums[member] / pictures),
                    validation_nll=nll,
                    validation_accuracy=accuracy,
                    seconds=time.perf_counter() - began,
                )
            )
        self.population.theta.copy_(trained)

    def _ends(self, member: int, epoch: int, nll: float | None, accuracy: float | None) -> bool:
        if self.until is not None and epoch >= self.until[member]:
            return True
        return nll is not None and accuracy is not None and self._watching.ends(member, epoch, nll, accuracy)

    @torch.no_grad()
    def _adopt_evaluated(self) -> Tensor:
        """Put the weights to be judged into theta; answer what was there."""
        trained = self.population.theta.clone()
        self.population.theta.copy_(self.stepper.evaluated())
        return trained


def judge(network: nn.Module, held: Held | None, picture: Preprocess) -> tuple[float | None, float | None]:
    """Negative log-likelihood and accuracy of a network on held-out pictures.

    Returns:
        None without such pictures; not a number where the network gives none.
    """
    if held is None:
        return None, None
    z = logits(network, packed(held.images, held.indices, picture, next(network.parameters()).dtype))
    if not np.isfinite(z).all():
        return math.nan, math.nan
    return negative_log_likelihood(probabilities(z), held.labels), float((z.argmax(1) == held.labels).mean())
