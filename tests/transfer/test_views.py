"""Several views of each picture: what they show, where they are kept, and that they stay on one side of a fold."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from coloured import CLASSES, coloured, stored

from ravine.augment.augmentation import Augmentation
from ravine.augment.colour import Colour
from ravine.augment.crop import Crop
from ravine.augment.flip import Flip
from ravine.augment.mixup import Mixup
from ravine.augment.noise import Noise
from ravine.augment.resized_crop import ResizedCrop
from ravine.augment.rotate import Rotate
from ravine.base.errors import PlanError
from ravine.data.audit import Audit
from ravine.data.mirror import Mirror
from ravine.data.pack import Pack, pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, SplitChoices, split
from ravine.experiment.fitted import Fitted
from ravine.experiment.stages import Stages
from ravine.models.backbone import Backbone
from ravine.moments import Technique
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.plan import HeadChoices, Plan
from ravine.plan.presets import Facts, propose
from ravine.plan.toml import dumps, loads
from ravine.regularize.class_balance import ClassBalance
from ravine.regularize.dropout import Dropout
from ravine.train.evaluate import direct, logits
from ravine.transfer.body_features import BodyFeatures
from ravine.transfer.depths import HeadContest, Seen
from ravine.transfer.features import stored_features
from ravine.transfer.head import FrozenBody
from ravine.transfer.views import View, views_of

PICTURE = Preprocess(size=32, channels=3)
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
PACK = Pack(IMAGES, np.zeros(6, np.int64), False, 0.0, None)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return coloured(tmp_path_factory.mktemp("colours"), 10, noise=150, tint=60)


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return stored(tmp_path_factory.mktemp("weights") / "body.pth", 2)


def _plan(body: Backbone, views: int = 3, *techniques: Technique, **changes: object) -> Plan:
    plan = Plan(
        model=body,
        transfer="head",
        picture=PICTURE,
        split=SplitChoices(validation=0.0),
        optimizer=LBFGS(),
        head=HeadChoices(l2=(1e-2, 1e-1), folds=3, views=views),
        techniques=techniques,
    )
    return replace(plan, **changes)


def _frozen(plan: Plan, audit: Audit) -> FrozenBody:
    return FrozenBody(plan, audit, lambda: pack(audit, plan.picture), split(audit, plan.split, plan.seed))


def _fit(plan: Plan, audit: Audit) -> tuple[Fitted, Split]:
    frozen = _frozen(plan, audit)
    return frozen.fit(Stages()), frozen.split


def test_alternating_flips_count_from_the_picture_as_it_is() -> None:
    for number in range(1, 5):
        view = View(number, 0, [Flip()], IMAGES)
        expected = IMAGES[:, :, ::-1] if number % 2 else IMAGES
        assert all(np.array_equal(view.pixels(index), expected[index]) for index in range(6))


def test_random_flips_mirror_some() -> None:
    images = np.random.default_rng(5).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
    view = View(1, 0, [Flip("random")], images)
    mirrored = [np.array_equal(view.pixels(index), images[index, :, ::-1]) for index in range(40)]
    assert 8 < sum(mirrored) < 32


@pytest.mark.parametrize(
    "part", [Crop(), ResizedCrop(), Rotate(), Colour(), Noise()], ids=lambda part: type(part).__name__
)
def test_a_view_depends_on_seed_view_and_picture_alone(part: Augmentation) -> None:
    view = View(2, 5, [part], IMAGES)
    first = view.pixels(3)
    assert (first.shape, first.dtype) == ((32, 32, 3), np.uint8)
    assert not np.array_equal(first, IMAGES[3])
    view.pixels(1)
    assert np.array_equal(view.pixels(3), first)
    assert np.array_equal(View(2, 5, [part], IMAGES).pixels(3), first)
    for other in (View(1, 5, [part], IMAGES), View(2, 4, [part], IMAGES)):
        assert not np.array_equal(other.pixels(3), first)


def test_the_views_of_a_plan(body: Backbone) -> None:
    plan = _plan(body, 3, ResizedCrop(), Flip(), ClassBalance("weights"), seed=4)
    assert [(view.number, view.seed, tuple(view.parts)) for view in views_of(plan, lambda: PACK)] == [
        (1, 4, (ResizedCrop(), Flip())),
        (2, 4, (ResizedCrop(), Flip())),
    ]
    assert views_of(_plan(body, 1), lambda: pytest.fail("No pack is needed.")) == ()


def test_features_of_a_view_are_those_of_its_pixels_and_computed_once(
    body: Backbone, audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = _plan(body, 3, Crop())
    packed = pack(audit, PICTURE)
    features, rows = BodyFeatures(plan, audit, lambda: packed), np.array([3, 8, 20])
    seen = features.seen(rows)
    assert seen.features.shape == (3, 3, 96)
    for number, view in enumerate(views_of(plan, lambda: packed), 1):
        expected = logits(plan.model.load_pretrained(), direct(view.pixels, rows, PICTURE))
        assert np.abs(seen.features[number] - expected).max() < 5e-3 * np.abs(expected).max()
    plain = logits(plan.model.load_pretrained(), direct(audit.pixels, rows, PICTURE))
    assert np.abs(seen.features[0] - plain).max() < 5e-3 * np.abs(plain).max()
    assert features.seconds(rows) == 0
    monkeypatch.setattr(View, "pixels", lambda _view, _index: pytest.fail("computed again"))
    assert np.array_equal(BodyFeatures(plan, audit, lambda: packed).seen(rows).features, seen.features)


def test_another_seed_or_augmentation_is_another_file(body: Backbone, audit: Audit, tmp_path: Path) -> None:
    packed, rows = pack(audit, PICTURE), np.arange(4)
    network = body.load_pretrained()
    views = [
        View(1, 0, [Crop()], packed.images),
        View(1, 1, [Crop()], packed.images),
        View(2, 0, [Crop()], packed.images),
    ]
    views += [View(1, 0, [Crop(0.2)], packed.images), View(1, 0, [Crop(), Flip()], packed.images)]
    for view in (None, *views):
        assert stored_features("test_resnet", network, audit, rows, PICTURE, view=view).computed == 4
    assert len(list(tmp_path.rglob("*.features"))) == 6
    assert stored_features("test_resnet", network, audit, rows, PICTURE, view=views[0]).computed == 0


@pytest.mark.parametrize("transfer", ["head", "depth"])
def test_a_fit_on_views_and_its_repetition(body: Backbone, audit: Audit, transfer: str) -> None:
    plan = _plan(body, 3, ResizedCrop(0.7), Flip(), transfer=transfer)
    fitted, parts = _fit(plan, audit)
    assert "each in 3 views" in fitted.refit
    assert fitted.unseen is not None
    assert np.array_equal(fitted.unseen.labels, audit.labels[parts.train])
    z = logits(fitted.network, direct(audit.pixels, parts.test, PICTURE))
    assert (z.argmax(1) == audit.labels[parts.test]).mean() > 0.6
    again, _ = _fit(loads(dumps(fitted.decided.into(plan))), audit)
    other = again.network.state_dict()
    assert all(torch.equal(value, other[name]) for name, value in fitted.network.state_dict().items())


def test_views_of_held_pictures_are_not_fitted_to(body: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wild numbers in further views change what is said where pictures are fitted, and nothing where they are held."""
    monkeypatch.setattr("ravine.transfer.heads.RANKED_GAP", 1e-8)
    numbers = np.random.default_rng(3)
    labels = np.tile(np.arange(3), 8)
    x = numbers.normal(size=(3, 24, 5)).astype(np.float32)
    held = np.arange(6)
    pairs = [(np.arange(6, 24), held)]
    plan = _plan(body, 3, Flip())

    def said(features: np.ndarray) -> np.ndarray:
        contest = HeadContest(plan, Seen(features, (slice(0, 5),), ("last",)), labels, CLASSES)
        return contest.judged(pairs)[0][0].ranking.logits

    before = said(x)
    assert before.shape == (2, 6, 3)
    wild = x.copy()
    wild[1:, held] = 10 * numbers.normal(size=(2, 6, 5))
    assert np.abs(said(wild) - before).max() < 2e-2
    wild = x.copy()
    wild[1:, 6:] = 10 * numbers.normal(size=(2, 18, 5))
    assert np.abs(said(wild) - before).max() > 0.5


def test_equal_views_give_the_head_of_one_view(body: Backbone) -> None:
    """The mean loss over views that are all alike is that over the pictures."""
    labels = np.tile(np.arange(3), 8)
    x = np.random.default_rng(4).normal(size=(1, 24, 5)).astype(np.float32)
    heads = []
    for features, views in ((x, 1), (np.repeat(x, 4, axis=0), 4)):
        plan = _plan(body, views, *([Flip()] if views > 1 else []))
        contest = HeadContest(plan, Seen(features, (slice(0, 5),), ("last",)), labels, CLASSES)
        judged, best = contest.judged([(np.arange(12), np.arange(12, 24)), (np.arange(12, 24), np.arange(12))])
        heads.append(contest.fit(judged[best], np.arange(24) < 20))
    assert np.abs(heads[0][0] - heads[1][0]).max() < 2e-3
    assert np.abs(heads[0][1] - heads[1][1]).max() < 2e-3


@pytest.mark.parametrize(
    ("views", "techniques", "said"),
    [
        (1, (Flip(),), "features are computed once, from each picture as it is"),
        (3, (), r"head\.views = 3 would show each picture 3 times as it is"),
        (3, (ClassBalance("weights"),), "no augmentation"),
        (3, (Flip(), Mixup()), "Mixup mixes the targets of two pictures"),
        (3, (Flip(), Dropout()), "Dropout acts on the steps of an update rule"),
        (3, (Flip(), ClassBalance("sampling")), "Choose class_balance=weights"),
    ],
)
def test_refusals(body: Backbone, views: int, techniques: tuple[Technique, ...], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        _plan(body, views, *techniques)


def _photos(mirror: Callable[[], Mirror]) -> Facts:
    return Facts(300, 5, median_side=640, same_size=False, grey=False, cores=4, device="cpu", mirror=mirror)


@pytest.mark.parametrize(("safe", "expected"), [(True, (ResizedCrop(0.7), Flip())), (False, (ResizedCrop(0.7),))])
def test_a_wish_for_views_brings_augmentations_with_reasons(safe: bool, expected: tuple[Technique, ...]) -> None:
    plan, reasons = propose(_photos(lambda: Mirror(safe, "Measured.")), {"head": {"views": 4}})
    assert plan.techniques == expected
    assert {reason.name: reason.value for reason in reasons}["flip"] == ("on" if safe else "off")
    assert loads(dumps(plan)) == plan


def test_a_wish_against_an_augmentation_is_heard() -> None:
    facts = _photos(lambda: pytest.fail("looked, although the user decided"))
    plan, _ = propose(facts, {"head": {"views": 2}, "flip": {}, "resized_crop": False})
    assert plan.techniques == (Flip(),)
