"""Small trainings on random pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ravine.data.batches import Batches
from ravine.data.preprocess import Preprocess
from ravine.interfaces import Penalty, Rule, Schedule
from ravine.models.architecture import Architecture
from ravine.models.mlp import MLP
from ravine.optim.adam import Adam
from ravine.penalties.l2 import L2
from ravine.schedules.one_cycle import OneCycle
from ravine.train.held import Held
from ravine.train.loop import Loop
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper

SIZE, CLASSES = 8, 3
PICTURE = Preprocess(size=SIZE, channels=1)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, SIZE, SIZE, 1), dtype=np.uint8)
LABELS = RNG.integers(0, CLASSES, 60)
TRAIN, HELD = np.arange(48), np.arange(48, 60)


@dataclass
class Training:
    """What differs between the trainings of these tests."""

    architecture: Architecture = field(default_factory=lambda: MLP(width=6, depth=1))
    rule: Rule = field(default_factory=lambda: Adam(lr=0.01))
    schedule: Schedule = field(default_factory=OneCycle)
    penalties: Sequence[Penalty] = (L2(1e-3),)
    seeds: Sequence[int] = (0,)
    epochs: int = 2
    dtype: torch.dtype = torch.float32
    batch_size: int = 12
    held: bool = True

    def loop(self) -> Loop:
        """Ready to run."""
        population = Population(self.architecture, PictureShape(1, SIZE, CLASSES), self.seeds, dtype=self.dtype)
        batches = Batches(IMAGES, LABELS, TRAIN, batch_size=self.batch_size, seeds=self.seeds)
        stepper = Stepper(
            self.rule,
            self.schedule,
            self.penalties,
            population.layout,
            population.theta,
            population.gradient,
            self.epochs * len(batches),
            compiled=False,
        )
        held = Held(torch.from_numpy(IMAGES), HELD, LABELS[HELD]) if self.held else None
        return Loop(population, stepper, batches, range(len(self.seeds)), PICTURE, self.epochs, held)

    def trained(self) -> Loop:
        """Run to the end."""
        loop = self.loop()
        loop.train()
        return loop
