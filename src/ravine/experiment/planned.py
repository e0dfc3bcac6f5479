"""A plan and the pictures that it is for: populations, batches and loops of its members."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.data.batches import Batches, Order
from ravine.data.pack import Pack
from ravine.data.placement import Place, batches_ahead, placement
from ravine.data.reading import Reading
from ravine.data.split import Split
from ravine.device.available import available_bytes
from ravine.interfaces import Rule
from ravine.models.architecture import Architecture
from ravine.plan.members import of_members
from ravine.plan.plan import Plan
from ravine.train.evaluate import chunk_of
from ravine.train.held import Held
from ravine.train.loop import Loop
from ravine.train.memory import Memory, memory_of
from ravine.train.precision import check_precision
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper


@dataclass(frozen=True)
class Planned:
    """Everything that training from scratch needs.

    Attributes:
        plan: The choices.
        pack: The pictures.
        split: Which are for what.
        classes: Names of the classes.
        placed: Pictures and labels by where they stay, once that is decided.
    """

    plan: Plan
    pack: Pack
    split: Split
    classes: tuple[str, ...]
    placed: dict[Place, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Every hyperparameter has one value, or one a member."""
        plan = self.plan
        for part in (plan.optimizer, plan.schedule, *(plan.penalty or ()), *plan.techniques, plan.ensemble):
            if part is not None:
                part.columns(plan.members)
        check_precision(plan.precision, plan.device)

    @property
    def reading(self) -> Reading:
        """How what was stored of pictures becomes what networks read."""
        return self.plan.picture

    def architecture(self, rows: NDArray[np.int64]) -> Architecture:
        """What members are built as that will be trained on these pictures."""
        del rows
        return self.plan.model

    def rates(self, layout: Layout) -> torch.Tensor | None:
        """Factor on the learning rate of each parameter, [P]; None for 1."""
        del layout

    def population(
        self, seeds: Sequence[int], members: Sequence[int], rows: NDArray[np.int64] | None = None
    ) -> Population:
        """Fresh members: some of the plan's, with these seeds, for a training on these pictures."""
        plan, picture = self.plan, self.plan.picture
        shape = PictureShape(picture.channels, picture.size, len(self.classes))
        techniques = [[of_members(part, [member]) for part in plan.techniques] for member in members]
        model = self.architecture(self.split.train if rows is None else rows)
        return Population(model, shape, seeds, plan.device, techniques=techniques)

    def prepare(self, rows: NDArray[np.int64], seeds: Sequence[int], run: str, members: Sequence[int]) -> Loop:
        """The loop of a training, ready to run; see `train`. Seeds need not be those of the plan."""
        plan = self.plan
        if not isinstance(plan.optimizer, Rule) or plan.schedule is None or plan.penalty is None:
            raise PlanError("Training in mini-batches needs an update rule, a schedule and penalties.")
        if plan.epochs is None or plan.batch_size is None:
            raise PlanError("Training from scratch needs epochs and batch_size.")
        rule, schedule = of_members(plan.optimizer, members), of_members(plan.schedule, members)
        penalties = tuple(of_members(penalty, members) for penalty in plan.penalty)
        population = self.population(seeds, members, rows)
        images, labels = self.tensors()
        streams = [0] * len(seeds) if plan.same_order else range(len(seeds))
        orders, own = self._orders(population, rows), (plan.seed,) if plan.same_order else tuple(seeds)
        batches = Batches(images, labels, rows, batch_size=plan.batch_size, seeds=own, orders=orders)
        steps = plan.epochs * len(batches)
        layout, rates = population.layout, self.rates(population.layout)
        slabs = population.theta, population.gradient
        stepper = Stepper(rule, schedule, penalties, layout, *slabs, steps, plan.compiled, rates)
        loop = Loop(population, stepper, batches, streams, self.reading, plan.epochs, self.held(run), run)
        loop.ahead = batches_ahead(self.place(), plan.device == "cuda")
        return loop

    def _orders(self, population: Population, rows: NDArray[np.int64]) -> list[Order] | None:
        """The epochs of members whose techniques decide which pictures come; None where no technique does."""
        if not any(member.changes_orders for member in population.techniques):
            return None
        return [partial(member.order, self.pack.labels[rows]) for member in population.techniques]

    def held(self, run: str) -> Held | None:
        """The validation pictures, while a choice is to be made."""
        rows = self.split.validation
        return Held(self.tensors()[0], rows, self.pack.labels[rows]) if run == "choose" and len(rows) else None

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """All pictures of the pack and their labels: on the plan's device where they fit, else mapped from a file."""
        place = self.place()
        if place not in self.placed:
            device = self.plan.device if place == "device" else "cpu"
            images, labels = (torch.as_tensor(values).to(device) for values in (self.pack.images, self.pack.labels))
            self.placed[place] = images, labels
        return self.placed[place]

    def place(self) -> Place:
        """Where the pack stays; decided once."""
        if self.placed:
            return next(iter(self.placed))
        gpu = available_bytes("cuda") if self.plan.device == "cuda" else None
        return placement(self.pack.images.nbytes, available_bytes("cpu"), gpu)

    def memory(self, loop: Loop, at_once: int = 1) -> Memory:
        """What a training will take, while so many members pass at a time."""
        plan = self.plan
        return memory_of(
            loop.population.networks[0],
            plan.optimizer if isinstance(plan.optimizer, Rule) else None,
            self.reading.shape,
            batch_size=plan.batch_size or len(loop.batches.indices),
            pictures=len(loop.batches.indices),
            members=loop.population.members,
            copies=loop.collector.copies if loop.collector else 0,
            at_once=at_once,
            compiles=loop.population.members > 1 and loop.stepper.compiled is not False,
            judged=chunk_of(self.reading, at_once) if loop.held or loop.collector else 0,
            number_bytes=self.pack.images.itemsize,
        )
