"""What holds for every augmentation."""

import dataclasses

import pytest
import torch

from ravine.augment.augmentation import Augmentation
from ravine.augment.colour import Colour
from ravine.augment.crop import Crop
from ravine.augment.cutmix import CutMix
from ravine.augment.cutout import Cutout
from ravine.augment.flip import Flip
from ravine.augment.mixup import Mixup
from ravine.augment.noise import Noise
from ravine.augment.resized_crop import ResizedCrop
from ravine.augment.rotate import Rotate
from ravine.augment.scale import Scale
from ravine.base.errors import PlanError

OWN = [
    *(Flip(), Flip(mode="random"), Crop(0.3), Crop(0.3, "constant", 9.0), ResizedCrop(0.2), Scale(1.7), Rotate(40)),
    *(Rotate(40, "constant"), Noise(0.1), Colour(0.5, 0.5, 0.5), Cutout(0.5), Cutout(0.5, "constant", 7.0)),
]
"""What they do to a picture depends on no other."""

ALL = [*OWN, Mixup(1.0), CutMix(1.0, p=1.0)]

OFF = [
    *(Flip(mode="random", p=0.0), Crop(0.0), Crop(0.0, "constant"), ResizedCrop(1.0), Scale(1.0), Rotate(0.0)),
    *(Rotate(0.0, "constant"), Noise(0.0), Colour(0.0, 0.0, 0.0), Cutout(0.0), Mixup(0.0), CutMix(0.0), CutMix(p=0.0)),
]

EPOCHS = range(3)


def changed(part, samples):
    """One batch after both moments at which pictures change."""
    return part.mix(part.augment(samples))


each = pytest.mark.parametrize("part", ALL, ids=repr)


@each
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(9, 9), (1, 1), (6, 11)])
def test_shape_dtype_and_range(part, channels, size, make_samples):
    before = make_samples(size=size, channels=channels)
    after = changed(part, before)
    assert after.images.shape == before.images.shape
    assert after.images.dtype == (torch.float32 if isinstance(part, Mixup) else torch.uint8)
    assert after.images.is_contiguous()
    assert after.images.min() >= 0
    assert after.images.max() <= 255
    torch.testing.assert_close(after.targets.sum(1), torch.ones(12))
    assert after.targets.dtype == torch.float32


@each
def test_something_changes_and_what_was_given_stays(part, make_samples):
    before = make_samples()
    images, targets = before.images.clone(), before.targets.clone()
    assert not torch.equal(changed(part, before).images.float(), images.float())
    assert torch.equal(before.images, images)
    assert torch.equal(before.targets, targets)


@pytest.mark.parametrize("part", OFF, ids=repr)
@pytest.mark.parametrize("channels", [1, 3])
def test_strength_zero_changes_nothing(part, channels, make_samples):
    before = make_samples(channels=channels)
    after = changed(part, before)
    assert torch.equal(after.images.to(torch.uint8), before.images)
    assert torch.equal(after.targets, before.targets)


@pytest.mark.parametrize("part", OWN, ids=repr)
@pytest.mark.parametrize("rows", [[5, 1, 7], [11, 39, 5, 1], [5]])
def test_a_picture_is_changed_alike_in_any_batch(part, rows, make_samples):
    whole, some = part.augment(make_samples(seed=3, epoch=2, rows=range(40))), make_samples(seed=3, epoch=2, rows=rows)
    assert torch.equal(part.augment(some).images, whole.images[rows])


@each
def test_the_order_within_a_batch_does_not_matter(part, make_samples):
    rows = [8, 3, 0, 25, 31, 17]
    one, other = (changed(part, make_samples(rows=order)) for order in (rows, rows[::-1]))
    assert torch.equal(one.images, other.images.flip(0))
    assert torch.equal(one.targets, other.targets.flip(0))


@each
def test_seeds_and_epochs_differ_and_repeat(part, make_samples):
    def images(seed, epoch):
        return changed(part, make_samples(seed, epoch, rows=range(40))).images

    assert torch.equal(images(0, 0), images(0, 0))
    assert not torch.equal(images(0, 0), images(1, 0))
    assert not torch.equal(images(0, 0), images(0, 1))


@each
def test_float_pictures_are_changed_as_whole_numbered_ones_are(part, make_samples):
    whole = make_samples()
    after = changed(part, whole.with_images(whole.images.float()))
    assert after.images.dtype == torch.float32
    assert (after.images - changed(part, whole).images.float()).abs().max() <= 1


@each
def test_each_number_belongs_to_one_member(part, make_samples):
    number = next(f.name for f in dataclasses.fields(part) if isinstance(getattr(part, f.name), float))
    if isinstance(part, Flip):
        part = Flip(mode="random")
    value = getattr(part, number)
    with pytest.raises(PlanError, match=rf"{type(part).__name__}\.{number} has 2 values for one member"):
        changed(dataclasses.replace(part, **{number: (value, value)}), make_samples())


@each
def test_each_says_what_it_does(part):
    text = type(part).__doc__ or ""
    assert all(word in text for word in ("Helps", "Destroys", "Suggested", "Source: ", "Attributes:"))


def test_an_augmentation_says_how_it_changes_pictures():
    with pytest.raises(TypeError, match="abstract"):
        Augmentation()
