"""A head on earlier depths of a frozen body, from pictures to a saved model."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from coloured import CLASSES, coloured, stored
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from torch import nn

from ravine.base.errors import PlanError
from ravine.bundle import Model, load
from ravine.data.audit import Audit
from ravine.data.pack import pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, SplitChoices, folds, split
from ravine.experiment.fitted import Fitted
from ravine.experiment.stages import Stages
from ravine.models.backbone import Backbone
from ravine.models.taps import Taps, tapped_alike
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.plan import HeadChoices, Plan
from ravine.plan.presets import Facts, propose
from ravine.plan.toml import dumps, loads, read_settings, wishes
from ravine.train.evaluate import direct, logits
from ravine.transfer.depths import Depths, HeadContest, Seen, competing
from ravine.transfer.head import FrozenBody
from ravine.transfer.taps import tap

PICTURE = Preprocess(size=32, channels=3)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return coloured(tmp_path_factory.mktemp("colours"), 12, noise=150, tint=60)


@pytest.fixture(scope="module", params=["test_resnet", "test_convnext"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return stored(tmp_path_factory.mktemp("weights") / "body.pth", 1, request.param)


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return stored(tmp_path_factory.mktemp("weights") / "resnet.pth", 2)


def _plan(model: Backbone, **changes: object) -> Plan:
    plan = Plan(
        model=model,
        transfer="depth",
        picture=PICTURE,
        split=SplitChoices(validation=0.0),
        optimizer=LBFGS(),
        head=HeadChoices(l2=(1e-1, 1.0), folds=3),
    )
    return replace(plan, **changes)


def _frozen(plan: Plan, audit: Audit) -> FrozenBody:
    return FrozenBody(plan, audit, lambda: pack(audit, plan.picture), split(audit, plan.split, plan.seed))


def _fit(plan: Plan, audit: Audit) -> tuple[Fitted, Split]:
    frozen = _frozen(plan, audit)
    return frozen.fit(Stages()), frozen.split


def _features(model: Backbone, audit: Audit, rows: NDArray[np.int64]) -> tuple[Taps, NDArray[np.float32]]:
    taps = tap(model.load_pretrained(), PICTURE.size)
    return taps, logits(taps, direct(audit.pixels, rows, PICTURE))


def test_the_last_depth_an_earlier_one_and_all_of_them_compete_and_the_best_is_written_to_the_plan(
    model: Backbone, audit: Audit
) -> None:
    plan = _plan(model)
    fitted, parts = _fit(plan, audit)
    names = tap(model.load_pretrained(), 32).names
    competed = {one.name.split(", ")[0] for one in fitted.candidates}
    assert len(fitted.candidates[2:]) == 2
    assert {names[-1], " + ".join(names)} < competed
    assert len(competed & set(names[:-1])) == 1
    values = [one.value for one in fitted.candidates]
    assert [one.chosen for one in fitted.candidates] == [value == min(values) for value in values]
    assert fitted.candidates[:2] == tuple(
        replace(one, value=nll) for one, (_, nll) in zip(fitted.candidates[:2], fitted.penalties, strict=True)
    )
    made = fitted.decided.into(plan)
    assert made.head is not None
    assert made.head.depths == fitted.decided.depths is not None
    assert replace(made, head=plan.head) == plan
    z = logits(fitted.network, direct(audit.pixels, parts.test, PICTURE))
    assert (z.argmax(1) == audit.labels[parts.test]).mean() > 0.7


@pytest.mark.parametrize("depths", [None, (2,), (1, 3, 5)])
def test_the_plan_of_a_run_repeats_it_bit_for_bit(resnet: Backbone, audit: Audit, depths: Depths | None) -> None:
    plan = _plan(resnet, head=HeadChoices(l2=(1e-1, 1.0), folds=3, depths=depths))
    first, _ = _fit(plan, audit)
    written = dumps(first.decided.into(plan))
    assert depths is None or loads(written) == plan
    again, _ = _fit(loads(written), audit)
    assert again.decided == first.decided
    assert again.temperature == first.temperature
    assert again.candidates == first.candidates[:2]
    other = again.network.state_dict()
    assert all(torch.equal(value, other[name]) for name, value in first.network.state_dict().items())


@pytest.mark.parametrize("depths", [(3,), (1, 4), (1, 2, 3, 4, 5)])
def test_a_head_at_depths_is_that_of_scikit_learn_on_the_scaled_features(
    resnet: Backbone, audit: Audit, depths: Depths
) -> None:
    penalty = 0.03
    plan = _plan(resnet, head=HeadChoices(l2=(penalty,), folds=3, depths=depths))
    fitted, parts = _fit(plan, audit)
    taps, features = _features(resnet, audit, parts.train)
    x, labels = features.astype(np.float64), audit.labels[parts.train]
    spread = [((x[:, part] - x[:, part].mean(0)) ** 2).sum(1).mean() for part in taps.columns]
    scales = {depth: np.sqrt(spread[-1] / len(depths) / spread[depth - 1]) for depth in depths}
    scaled = np.hstack([x[:, taps.columns[depth - 1]] * scales[depth] for depth in depths])
    blocks = np.split(scaled - scaled.mean(0), np.cumsum([taps.widths[depth - 1] for depth in depths])[:-1], axis=1)
    assert np.allclose([(block**2).sum(1).mean() for block in blocks], spread[-1] / len(depths))
    reference = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-10, max_iter=10_000).fit(scaled, labels)

    def objective(z: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
        return -log_softmax(z, 1)[np.arange(len(z)), labels].mean() + penalty / 2 * (weight**2).sum()

    weight = fitted.network.get_parameter("head.weight").double().numpy()
    z = x @ weight.T + fitted.network.get_parameter("head.bias").double().numpy()
    inside = np.hstack([weight[:, taps.columns[depth - 1]] / scales[depth] for depth in depths])
    least = objective(scaled @ reference.coef_.T + reference.intercept_, reference.coef_)
    assert objective(z, inside) == pytest.approx(least, rel=0, abs=1e-6)
    unused = [part for depth, part in enumerate(taps.columns, 1) if depth not in depths]
    assert all((weight[:, part] == 0).all() for part in unused)


def test_the_last_depth_alone_is_the_head_on_the_last_features(resnet: Backbone, audit: Audit) -> None:
    plan = _plan(resnet, head=HeadChoices(l2=(1e-1, 1.0), folds=3, depths=(5,)))
    deep, _ = _fit(plan, audit)
    last, _ = _fit(replace(plan, transfer="head", head=HeadChoices(l2=(1e-1, 1.0), folds=3)), audit)
    weight = deep.network.get_parameter("head.weight")
    assert torch.equal(weight[:, -96:], last.network.get_parameter("head.weight"))
    assert [one.value for one in deep.candidates] == [one.value for one in last.candidates]


def test_a_saved_model_answers_as_before(model: Backbone, audit: Audit, tmp_path: Path) -> None:
    plan = _plan(model)
    fitted, parts = _fit(plan, audit)
    plan = fitted.decided.into(plan)
    made = Model(fitted.network, audit.classes, plan.picture, fitted.temperature, dumps(plan), {}, {})
    made.save(tmp_path / "model.ravine")
    again = load(tmp_path / "model.ravine")
    assert isinstance(again.network.get_submodule("body"), Taps)
    pictures = [audit.pixels(int(row)) for row in parts.test]
    assert again.predict(pictures) == made.predict(pictures)
    assert not any(tensor.is_meta for tensor in again.network.state_dict().values())


@pytest.mark.parametrize(
    ("name", "size"), [("test_resnet", 32), ("test_efficientnet", 48), ("test_convnext", 32), ("test_vit", 160)]
)
def test_a_body_without_numbers_is_tapped_as_it_was(name: str, size: int) -> None:
    torch.manual_seed(0)
    taps = tap(Backbone(name, "random").load_pretrained(), size)
    with torch.device("meta"):
        body = Backbone(name, "random").build(3, size, 2).get_submodule("body").eval()
        again = tapped_alike(body, size, sum(taps.widths))
        with pytest.raises(PlanError, match="features at its depths, and not 7"):
            tapped_alike(body, size, 7)
    for attribute in ("stages", "widths", "names", "modules_of"):
        assert getattr(again, attribute) == getattr(taps, attribute)


def test_a_body_that_cannot_be_tapped_is_refused(
    resnet: Backbone, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    monkeypatch.setattr(Backbone, "load_pretrained", lambda _: plain)
    with pytest.raises(PlanError, match="cannot be tapped: timm does not say"):
        _fit(_plan(resnet), audit)
    fitted, _ = _fit(_plan(resnet, transfer="head"), audit)
    assert fitted.network.get_parameter("head.weight").shape == (3, 4)


def test_a_depth_that_the_body_does_not_have_is_refused(resnet: Backbone, audit: Audit) -> None:
    with pytest.raises(PlanError, match="numbers from 1 to 5"):
        _fit(_plan(resnet, head=HeadChoices(depths=(2, 6))), audit)


@pytest.mark.parametrize("depths", [(), (2, 1), (3, 3)])
def test_depths_are_ascending_numbers(depths: Depths) -> None:
    with pytest.raises(PlanError, match="ascending order"):
        HeadChoices(depths=depths)


def test_depths_start_at_one_and_belong_to_depth_alone(resnet: Backbone) -> None:
    with pytest.raises(PlanError, match="outside its range"):
        HeadChoices(depths=(0, 1))
    with pytest.raises(PlanError, match=r"head\.depths has no effect with transfer=head"):
        _plan(resnet, transfer="head", head=HeadChoices(depths=(1,)))


def test_what_competes() -> None:
    plan = _plan(Backbone())
    assert competing(plan, 3, lambda: 2) == [(3,), (2,), (1, 2, 3)]
    assert competing(plan, 2, lambda: 9) == [(2,), (1,), (1, 2)]
    assert competing(plan, 1, lambda: 9) == [(1,)]
    assert competing(replace(plan, transfer="head"), 3, lambda: 9) == [(3,)]
    assert competing(replace(plan, head=HeadChoices(depths=(1, 2))), 3, lambda: 9) == [(1, 2)]


def test_a_depth_whose_features_tell_the_classes_is_found() -> None:
    """Labels that only the first of three depths knows."""
    labels = np.repeat(np.arange(3), 20)
    x = np.random.default_rng(4).normal(size=(1, 60, 12)).astype(np.float32)
    x[0, :, :3] = 0.01 * (np.eye(3)[labels] + 0.1 * x[0, :, :3])
    seen = Seen(x, (slice(0, 3), slice(3, 8), slice(8, 12)), ("stage 1", "stage 2", "last"))
    contest = HeadContest(_plan(Backbone()), seen, labels, CLASSES)
    pairs = [
        (np.flatnonzero(np.arange(60) % 3 != fold), np.flatnonzero(np.arange(60) % 3 == fold)) for fold in range(3)
    ]
    judged, best = contest.judged(pairs)
    assert judged[best].depths == (1,)
    assert (judged[best].logits.argmax(1) == labels).all()
    assert seen.words((1, 3)) == "stage 1 + last"


def test_features_that_never_change_have_no_scale() -> None:
    seen = Seen(np.ones((1, 4, 3), np.float32), (slice(0, 1), slice(1, 3)), ("stage 1", "last"))
    assert seen.scales((1, 2)) == (1.0, 1.0)


def test_answers_are_those_of_a_fit_to_the_same_pictures(resnet: Backbone, audit: Audit) -> None:
    plan = _plan(resnet)
    frozen = _frozen(plan, audit)
    fit, held = folds(frozen.split.train, audit, 2, seed=5)[0]
    turned = held[::-1]
    z = frozen.answers(fit, turned, seed=3)
    alone = replace(frozen, plan=replace(plan, seed=3), split=replace(frozen.split, train=fit))
    expected = logits(alone.fit(Stages()).network, direct(audit.pixels, turned, PICTURE))
    assert z.dtype == np.float32
    assert np.abs(z - expected).max() < 2e-2 * np.abs(expected).max()
    assert np.abs(frozen.answers(fit[::-1], held, seed=3) - z[::-1]).max() < 1e-5


def test_answers_do_not_know_the_labels_of_held_pictures(resnet: Backbone, audit: Audit) -> None:
    frozen = _frozen(_plan(resnet), audit)
    fit, held = folds(frozen.split.train, audit, 2, seed=5)[0]
    before = frozen.answers(fit, held, seed=0)
    labels = audit.labels.copy()
    labels[held] = (labels[held] + 1) % 3
    other = replace(frozen, audit=replace(audit, labels=labels))
    assert np.array_equal(other.answers(fit, held, seed=0), before)


def test_expected_seconds_count_features_until_they_are_there(resnet: Backbone, audit: Audit) -> None:
    frozen = _frozen(_plan(resnet), audit)
    before = frozen.expected_seconds(20)
    fit, held = folds(frozen.split.train, audit, 2, seed=0)[0]
    frozen.answers(fit, held, seed=0)
    after = frozen.expected_seconds(20)
    assert 0 < after < before
    assert after < frozen.expected_seconds(2_000)
    assert _frozen(_plan(resnet), audit).expected_seconds(20) == pytest.approx(after)


PHOTOS = Facts(pictures=300, classes=5, median_side=640, same_size=False, grey=False, cores=4, device="cpu")


def test_a_wish_for_depth_gives_a_plan_with_reasons() -> None:
    plan, reasons = propose(PHOTOS, {"transfer": "depth"})
    assert (plan.transfer, plan.model, plan.optimizer) == ("depth", Backbone(), LBFGS())
    assert plan.head == HeadChoices()
    assert loads(dumps(plan)) == plan
    said = {reason.name: reason for reason in reasons}
    assert said["transfer"].value == "depth"
    assert "3 choices of depths" in said["head"].value
    small = replace(PHOTOS, median_side=28)
    assert propose(small, {"transfer": "depth"})[0].model == Backbone()


def test_depths_can_be_set_on_the_command_line() -> None:
    plan, _ = propose(PHOTOS, wishes(read_settings(["transfer=depth", "head.depths=[2, 4]"])))
    assert plan.head == HeadChoices(depths=(2, 4))
    again, _ = propose(PHOTOS, wishes(tomllib.loads(dumps(plan))))
    assert again == plan
