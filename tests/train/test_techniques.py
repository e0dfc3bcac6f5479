"""The moments of techniques, with one made for the test."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training import CLASSES, IMAGES, LABELS, PICTURE, SIZE, TRAIN

from ravine.augment.mixup import Mixup
from ravine.base.draws import Draws
from ravine.base.errors import PlanError
from ravine.base.layout import Layout
from ravine.data.batches import Batches
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.moments import Samples, Site, Technique, replace_modules
from ravine.optim.sgd import SGD
from ravine.regularize.batch_norm import BatchNorm
from ravine.schedules.constant import Constant
from ravine.train.loop import Loop
from ravine.train.state import PictureShape, Population
from ravine.train.step import Stepper
from ravine.train.techniques import MemberTechniques


@dataclass(frozen=True)
class Mirror(Technique):
    """Mirrors a picture when its keyed coin says so."""

    def augment(self, samples: Samples) -> Samples:
        coin = samples.draws.uniform("mirror", 1)[:, 0] < 0.5
        return samples.with_images(torch.where(coin[:, None, None, None], samples.images.flip(2), samples.images))


@dataclass(frozen=True)
class Soften(Technique):
    """Mixes targets with the uniform distribution."""

    def targets(self, targets: Tensor, counts: Tensor) -> Tensor:
        del counts
        return 0.9 * targets + 0.1 / targets.shape[1]


class NoiseLayer(nn.Module):
    """Adds keyed noise while training."""

    def __init__(self, draws: Draws, layer: int) -> None:
        super().__init__()
        self.draws, self.layer = draws, layer

    def forward(self, x: Tensor) -> Tensor:
        return x + self.draws.uniform("noise", self.layer, tuple(x.shape), x) if self.training else x


@dataclass(frozen=True)
class Noise(Technique):
    """Noise before the head."""

    def install(self, network: nn.Module, draws: Draws) -> int:
        return replace_modules(network, Site, lambda _, number: NoiseLayer(draws, number))


@dataclass(frozen=True)
class Clip(Technique):
    """No weight beyond a bound."""

    def after(self, theta: Tensor, layout: Layout) -> Tensor:
        del layout
        return theta.clamp(-0.05, 0.05)


@dataclass(frozen=True)
class Nowhere(Technique):
    """Looks for a module that no network has."""

    def install(self, network: nn.Module, draws: Draws) -> int:
        del draws
        return replace_modules(network, nn.Bilinear, lambda module, _: module)


@dataclass(frozen=True)
class Bounded(Technique):
    """Answers logits within bounds."""

    def finish(self, network: nn.Module) -> nn.Module:
        return nn.Sequential(network, nn.Hardtanh(-1, 1))


def train(
    *techniques: tuple[Technique, ...], seeds: tuple[int, ...] = (0,), dtype: torch.dtype = torch.float64
) -> Loop:
    shape = PictureShape(1, SIZE, CLASSES)
    population = Population(MLP(width=6, depth=2), shape, seeds, dtype=dtype, techniques=techniques)
    batches = Batches(IMAGES, LABELS, TRAIN, batch_size=12, seeds=seeds)
    slabs = population.layout, population.theta, population.gradient
    stepper = Stepper(SGD(lr=0.05), Constant(), (), *slabs, total_steps=100, compiled=False)
    loop = Loop(population, stepper, batches, range(len(seeds)), PICTURE, 2)
    loop.train()
    return loop


@pytest.mark.parametrize("technique", [Mirror(), Soften(), Noise(), Clip()], ids=lambda one: type(one).__name__)
def test_every_moment_changes_the_training(technique):
    assert not torch.equal(train((technique,)).population.theta, train(()).population.theta)


@pytest.mark.parametrize("technique", [Mirror(), Soften(), Noise(), Clip()], ids=lambda one: type(one).__name__)
def test_a_member_is_the_same_alone_and_in_a_population(technique):
    together = train((technique,), (), (technique,), seeds=(3, 3, 5)).population.theta
    for row, parts in enumerate([(technique,), (), (technique,)]):
        alone = train(parts, seeds=((3, 3, 5)[row],)).population.theta
        assert torch.allclose(alone[0], together[row], rtol=0, atol=1e-9)


def test_weights_stay_where_the_technique_puts_them():
    assert train((Clip(),)).population.theta.abs().max() <= 0.05


def test_a_technique_that_finds_no_place_is_an_error():
    with pytest.raises(PlanError, match="Nowhere finds no place in this network"):
        Population(MLP(), PictureShape(1, SIZE, 2), [0], techniques=[[Nowhere()]])


def seen(member: MemberTechniques, images: Tensor, labels: Tensor, keys: Tensor, epoch: int = 0):
    """One batch after all moments at which pictures and targets change."""
    samples = member.augmented(images, labels, keys, epoch=epoch, pictures=len(IMAGES), classes=CLASSES)
    return member.mixed(samples, torch.ones(CLASSES))


@pytest.mark.parametrize(
    ("part", "changes"), [(Noise(), False), (Mirror(), True), (Soften(), True), (Mixup(), True), (Clip(), False)]
)
def test_some_techniques_change_batches(part, changes):
    assert MemberTechniques(0, [part]).changes_batches == changes


@pytest.mark.parametrize(("part", "changes"), [(Noise(), False), (Mirror(), False), (Clip(), True)])
def test_some_techniques_change_weights(part, changes):
    assert MemberTechniques(0, [part]).changes_weights == changes


def test_pictures_and_targets_are_changed():
    images, labels = torch.from_numpy(IMAGES[:4]), torch.from_numpy(LABELS[:4])
    changed, targets = seen(MemberTechniques(0, [Mirror(), Soften()]), images, labels, torch.arange(4))
    assert changed.shape == images.shape
    assert torch.allclose(targets.sum(1), torch.ones(4))
    assert targets.argmax(1).tolist() == labels.tolist()


def test_what_happens_to_a_picture_does_not_depend_on_its_batch():
    member = MemberTechniques(7, [Mirror()])
    images, labels = torch.from_numpy(IMAGES), torch.from_numpy(LABELS)
    together, _ = seen(member, images, labels, torch.arange(len(IMAGES)), epoch=3)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(IMAGES))[:9])
    some, _ = seen(member, images[order], labels[order], order, epoch=3)
    assert torch.equal(some, together[order])


def test_finish_wraps_what_answers():
    network = MLP(width=4, depth=1).build(1, SIZE, 2)
    assert MemberTechniques(0, [Bounded()]).finished(network)(torch.randn(3, 1, SIZE, SIZE)).abs().max() <= 1
    assert MemberTechniques(0, [Mirror()]).finished(network) is network


def test_copies_of_a_picture_in_one_epoch_are_augmented_each_in_its_own_way() -> None:
    member = MemberTechniques(3, [Mirror()])
    same = torch.from_numpy(IMAGES[:1]).expand(40, -1, -1, -1)
    images, _ = seen(member, same, torch.zeros(40, dtype=torch.int64), torch.arange(40))
    mirrored = [torch.equal(one, same[0].flip(1)) for one in images]
    assert 5 < sum(mirrored) < 35


def test_a_technique_may_find_its_place_in_some_members_only() -> None:
    shape = PictureShape(1, SIZE, CLASSES)
    parts = [[BatchNorm(momentum=momentum)] for momentum in (0.1, 0.2)]
    population = Population(SmallCNN(width=2, depth=1), shape, [0, 1], techniques=parts)
    assert [member.places for member in population.techniques] == [[0], [1]]
    with pytest.raises(PlanError, match="BatchNorm finds no place"):
        Population(SmallCNN(width=2, depth=1), shape, [0], techniques=parts[:1])
