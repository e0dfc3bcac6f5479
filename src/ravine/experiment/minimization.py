"""Train with a full-batch minimizer: exact gradients over all pictures, one pass an evaluation.

On mini-batches a minimizer fails, and a plan asks for that by `allow_minibatch`: curvature is estimated from
differences of gradients, and between two batches these are mostly noise; a line search compares values of different
losses. Here each batch is minimized for a few steps as if it were everything, so that the failure can be measured.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ravine.base.errors import PlanError, TrainingError
from ravine.data.batches import Batches
from ravine.experiment.fitted import Trained
from ravine.experiment.stages import Advance, Stages
from ravine.optim.second_order.minimizer import Iterates, Minimizer
from ravine.plan.members import of_members
from ravine.plan.plan import Plan
from ravine.train.full_batch import FullBatch
from ravine.train.held import Held, judge
from ravine.train.record import Epoch
from ravine.train.state import Population

STEPS_A_BATCH = 10
"""Accepted steps on one mini-batch."""
TOLERANCE = 1e-7


@dataclass
class Minimization:
    """One training of a population by a minimizer.

    Attributes:
        plan: The choices; `epochs` limits the evaluations, each of which is one pass over the pictures.
        population: The members.
        images: uint8 [M, S, S, C], the pack.
        labels: int64 [M].
        rows: The pictures to train on.
        held: Pictures to judge by after each step; None for none.
        run: The name of this training in the record.
        members: Which members of the plan they are.
    """

    plan: Plan
    population: Population
    images: Tensor
    labels: Tensor
    rows: NDArray[np.int64]
    held: Held | None
    run: str
    members: Sequence[int]
    history: list[Epoch] = field(init=False, default_factory=list)

    def train(self, stages: Stages, name: str) -> Trained:
        """Minimize.

        Args:
            stages: Where progress is shown and time is kept.
            name: What the stage is called.

        Raises:
            PlanError: The plan lacks what a minimizer needs.
            TrainingError: No member has a finite loss.
        """
        optimizer, epochs = self.plan.optimizer, self.plan.epochs
        if not isinstance(optimizer, Minimizer) or epochs is None:
            raise PlanError("A full-batch minimizer needs epochs: the most passes over the pictures.")
        self._began = time.perf_counter()
        with stages.stage("train", name, epochs) as advance:
            if self.plan.batch_size is None:
                self._whole(optimizer, epochs, advance)
            else:
                self._in_batches(optimizer, epochs, self.plan.batch_size, advance)
        active = torch.isfinite(self.population.theta).all(1)
        if not bool(active.any()):
            raise TrainingError("No member has finite weights any more. Choose another optimizer, or a larger penalty.")
        return Trained(self.population, active, tuple(self.history))

    def _whole(self, optimizer: Minimizer, epochs: int, advance: Advance) -> None:
        loss = self._loss(self.rows)
        loss.advance = advance
        start = self.population.theta.clone()
        found = optimizer.run(
            loss, start, max_steps=epochs, max_evaluations=epochs, gtol=TOLERANCE, callback=self._record
        )
        self.population.theta.copy_(found.theta)

    def _in_batches(self, optimizer: Minimizer, epochs: int, batch_size: int, advance: Advance) -> None:
        seeds = tuple(self.plan.seed + member for member in self.members)
        batches = Batches(self.images, self.labels, self.rows, batch_size=batch_size, seeds=seeds)
        everyone = torch.arange(self.population.members)
        for epoch in range(epochs):
            losses = self.population.theta.new_zeros(self.population.members)
            for number in range(len(batches)):
                for row, pictures in enumerate(batches.rows(epoch, number)):
                    losses[row] += self._one_batch(optimizer, row, pictures) / len(batches)
            advance(1)
            theta = self.population.theta.clone()
            self._record(Iterates(everyone, theta, losses, torch.zeros_like(theta)))

    def _one_batch(self, optimizer: Minimizer, row: int, pictures: NDArray[np.int64]) -> Tensor:
        """Minimize one member's loss on one batch, and answer where it ended."""
        loss = self._loss(pictures)
        found = optimizer.run(
            lambda theta, rows: loss(theta, rows + row),
            self.population.theta[row : row + 1].clone(),
            max_steps=STEPS_A_BATCH,
            max_evaluations=2 * STEPS_A_BATCH,
            gtol=TOLERANCE,
        )
        self.population.theta[row] = found.theta[0]
        return found.loss[0]

    def _loss(self, rows: NDArray[np.int64]) -> FullBatch:
        penalties = tuple(of_members(penalty, self.members) for penalty in self.plan.penalty or ())
        return FullBatch(self.population, self.images, self.labels, rows, self.plan.picture, penalties)

    def _record(self, at: Iterates) -> None:
        """Note the loss of the accepted points, penalties included, and judge them on the validation pictures."""
        with self._at(at):
            for place, row in enumerate(at.rows.tolist()):
                own = [epoch for epoch in self.history if epoch.member == row]
                found = judge(self.population.networks[row], self.held, self.plan.picture)
                self.history.append(
                    Epoch(
                        run=self.run,
                        member=row,
                        epoch=len(own) + 1,
                        steps=len(own),
                        learning_rate=1.0,
                        train_loss=float(at.loss[place]),
                        validation_nll=found.nll,
                        validation_accuracy=found.accuracy,
                        seconds=time.perf_counter() - self._began,
                    )
                )

    @contextmanager
    def _at(self, at: Iterates) -> Iterator[None]:
        """Let the members stand at these points for a moment."""
        before = self.population.theta.clone()
        self.population.theta[at.rows] = at.theta
        yield
        self.population.theta.copy_(before)
