"""The training loop, drawn once.

for each epoch
    for each batch of the epoch's order
        pixels   gathered from the pack, one batch a stream; a member's techniques change its pictures and targets;
                 made float and normalised
        logits   of every member, in training mode
        losses   mean cross-entropy, one a member; their sum's backward pass fills the gradient slab
        probe    for rules that want the gradient elsewhere: theta moves there, and the gradient is taken again; batch
                 norms keep the statistics of the first pass
        step     rule, schedule and penalties change theta; a member whose loss is not finite stays as it is
        after    a member's techniques change its weights
        collect  an ensemble copies or averages weights
    weights      those that the rule wants to be judged (an average, for some)
    validation   negative log-likelihood and accuracy of every member, as it would answer
    record       one line a member
    watch        a technique may keep these weights, or end the member's training
end              weights to be judged stay, or those that were kept; a member whose last step went wrong has ended too

Some members may go on in a smaller loop (`Loop.go_on`), and be put back into the whole population at its end.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ravine.base.errors import PlanError, TrainingError
from ravine.data.batches import Batch, Batches
from ravine.data.placement import batches_at_once
from ravine.data.reading import Reading
from ravine.data.ring import Ring
from ravine.ensemble.collector import Collector
from ravine.train.evaluate import logits
from ravine.train.execution import Execution, Looped, Seen
from ravine.train.held import Held, Judged, judge_all
from ravine.train.record import Epoch
from ravine.train.seeing import Seeing
from ravine.train.state import Population
from ravine.train.step import Stepper
from ravine.train.timeline import Timeline
from ravine.train.watching import Watching


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
        whole: The population that these members are a part of; None where they are all of it.
        block: How many batches are gathered and augmented at once; no bit depends on it.
        ahead: How many such blocks are made ahead of their use, in a thread; see `ravine.data.placement`.
        members: Their places in it, under which they stand in the record.
        spared: Whether others of them have ended well, so that it is no error if all of these fail.
        execution: How forward and backward passes are carried out; one member after another unless set otherwise.
        timeline: Where the time goes.
        alive: Bool [K]; false for members whose loss was not finite.
        active: Bool [K]; false also for members that a technique has ended.
        judged: What each member was worth after the last epoch in which it was looked at.
        kept: Of members that a technique watches, the number of the epoch whose weights were the best, from 1.
        history: The record.
    """

    population: Population
    stepper: Stepper
    batches: Batches
    streams: Sequence[int]
    picture: Reading
    epochs: int
    held: Held | None = None
    run: str = "choose"
    advance: Callable[[int], object] = lambda _: None
    collector: Collector | None = None
    until: Sequence[int] | None = None
    block: int = 0
    ahead: int = 0
    whole: Population | None = None
    members: Sequence[int] = ()
    spared: bool = False
    execution: Execution = field(init=False)
    alive: Tensor = field(init=False)
    active: Tensor = field(init=False)
    timeline: Timeline = field(init=False, default_factory=Timeline)
    history: list[Epoch] = field(init=False, default_factory=list)
    judged: dict[int, Judged] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        population, batches = self.population, self.batches
        self.members = self.members or range(population.members)
        self._began = time.perf_counter()
        self.alive = torch.ones(population.members, dtype=torch.bool, device=population.theta.device)
        self.active = self.alive.clone()
        self._sums = np.zeros(population.members)
        self.seen = Seeing(population, batches, self.streams, self.picture)
        self.block = self.block or batches_at_once(batches, self.seen.copies)
        self._watching = Watching(population)
        if self._watching and self.held is None and self.run == "choose":
            raise PlanError("early_stopping needs validation pictures to watch. Set split.validation above 0.")
        for network in population.networks:
            network.train()
        self.execution = Looped(population)
        self._changed_after = [row for row, member in enumerate(population.techniques) if member.changes_weights]

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
        self.begin()
        for epoch in range(self.epochs):
            self.epoch(epoch)
            if not bool(self.active.any()):
                break
        self.finish()
        return self.history

    def begin(self) -> None:
        """Start the clocks."""
        self._began = time.perf_counter()
        self.timeline = Timeline()

    def epoch(self, epoch: int) -> None:
        """Run one epoch, from 0; see `train`."""
        self._sums[:] = 0
        device, numbers = self.population.theta.device, range(len(self.batches))
        ring = Ring(self.batches, [(epoch, numbers)], self.seen.each, block=self.block, ahead=self.ahead, device=device)
        with ring:
            for number in numbers:
                self.timeline.lap("other")
                self._step(*next(ring), epoch * len(numbers) + number + 1)
                self.advance(1)
        self._judge(epoch)
        self.timeline.lap("other")

    def finish(self) -> None:
        """Leave the weights that count, in the whole population."""
        self._adopt_evaluated()
        self._watching.restore()
        self._watch_end()
        if self.whole is not None:
            for member, network in zip(self.members, self.population.networks, strict=True):
                self.whole.networks[member].load_state_dict(network.state_dict())
        self.timeline.lap("other")

    def go_on(self, other: "Loop", rows: Sequence[int]) -> None:
        """Go on where some members of another loop are: with their weights, states, steps, clocks and records.

        Args:
            other: A loop over the same pictures, between two epochs.
            rows: Which of its members these are, in order.
        """
        for network, row in zip(self.population.networks, rows, strict=True):
            network.load_state_dict(other.population.networks[row].state_dict())
        self.stepper.load_state_dict({name: value[list(rows)] for name, value in other.stepper.state_dict().items()})
        self.whole = other.population if other.whole is None else other.whole
        self.members = [other.members[row] for row in rows]
        self.until = None if other.until is None else [other.until[row] for row in rows]
        self.spared = other.spared or bool((other.alive & ~other.active).any())
        self.advance, self.collector, self.history = other.advance, other.collector, other.history
        self.timeline, self._began = other.timeline, other._began
        self._watching = other._watching.part(rows, self.population)

    def step(self, number: int, epoch: int = 0) -> Tensor:
        """One step of every member, on one batch of an epoch; answers the loss of each before it, [K]."""
        batch = self.batches.at(epoch, number)
        return self._step(batch, self.seen(batch, epoch), epoch * len(self.batches) + number + 1)

    def _step(self, batch: Batch, seen: Seen, done: int) -> Tensor:
        """The step after which so many are done."""
        self.timeline.lap("data")
        active = None if bool(self.active.all()) else self.active
        steps = self.stepper.steps.tolist()
        losses = self.execution.losses(seen, steps, active)
        if self.stepper.needs_probe:
            statistics = self.population.buffers.clone()
            self.stepper.probe()
            self.execution.losses(seen, steps, active)
            self.population.buffers.copy_(statistics)
        values = losses.double().cpu().numpy()
        if not np.isfinite(values).all():
            self._keep(torch.isfinite(losses) | ~self.active, f"The loss became {values[-1]}", batch)
            active = None if bool(self.active.all()) else self.active
        self._sums += values * batch.labels.shape[1]
        self.stepper.step(active)
        self._after()
        self._collect(done)
        self.timeline.lap("arithmetic")
        return losses

    @torch.no_grad()
    def _after(self) -> None:
        for row in self._changed_after:
            if bool(self.active[row]):
                member = self.population.techniques[row]
                member.after(self.population.theta[row : row + 1], self.population.layout)

    def _collect(self, done: int) -> None:
        """Let an ensemble look at the whole population."""
        if self.collector is None:
            return
        whole = self.whole or self.population
        if self.whole:
            whole.theta[self.members] = self.population.theta
            whole.buffers[self.members] = self.population.buffers
        self.collector.update(whole.theta, whole.buffers, done)

    def _keep(self, finite: Tensor, event: str, batch: Batch) -> None:
        """Let members end whose numbers on a batch are not finite."""
        self.alive &= finite
        self.active &= finite
        if not self.spared and not bool(self.alive.any()):
            raise TrainingError(
                f"{event} at step {int(self.stepper.steps.max()) + 1}, on the pictures "
                f"{batch.rows[-1][:8].tolist()} … of the pack. Nothing was saved. Choose a smaller optimizer.lr."
            )

    def _watch_end(self) -> None:
        """What the last step did is seen in no later loss, so the last batch is looked at once more."""
        batch = self.batches.at(self.epochs - 1, len(self.batches) - 1)
        pixels = [self.seen.pixels(images) for images in batch.images]
        found = [
            logits(network, [pixels[stream]])
            for network, stream in zip(self.population.networks, self.streams, strict=True)
        ]
        finite = torch.tensor([bool(np.isfinite(z).all()) for z in found], device=self.alive.device)
        self._keep(finite, "The loss would not be finite", batch)

    def _judge(self, epoch: int) -> None:
        pictures = len(self.batches.indices)
        rates, steps = self.stepper.learning_rate().tolist(), self.stepper.steps.tolist()
        trained = self._adopt_evaluated()
        asked = self.active | ~self.alive
        every = judge_all(self.execution, self.held, self.picture, None if bool(asked.all()) else asked)
        for row in torch.nonzero(asked).flatten().tolist():
            found = self.judged[row] = every[row]
            if self._ends(row, epoch + 1, found):
                self.active[row] = False
            self.history.append(
                Epoch(
                    run=self.run,
                    member=self.members[row],
                    epoch=epoch + 1,
                    steps=steps[row],
                    learning_rate=rates[row],
                    train_loss=float(self._sums[row] / pictures),
                    validation_nll=found.nll,
                    validation_accuracy=found.accuracy,
                    seconds=time.perf_counter() - self._began,
                )
            )
        self.population.theta.copy_(trained)

    def _ends(self, row: int, epoch: int, found: Judged) -> bool:
        if self.until is not None and epoch >= self.until[row]:
            return True
        nll, accuracy = found.nll, found.accuracy
        return nll is not None and accuracy is not None and self._watching.ends(row, epoch, nll, accuracy)

    @torch.no_grad()
    def _adopt_evaluated(self) -> Tensor:
        """Put the weights to be judged into theta; answer what was there."""
        trained = self.population.theta.clone()
        self.population.theta.copy_(self.stepper.evaluated())
        return trained
