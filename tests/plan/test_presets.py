"""From facts to a plan."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from ravine.base.errors import PlanError
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.plan.presets import Facts, propose
from ravine.plan.toml import dumps, loads, read_settings, wishes

SMALL = Facts(pictures=2_000, classes=10, median_side=28, same_size=True, grey=True, cores=2, device="cpu")
PHOTOS = Facts(pictures=200, classes=5, median_side=640, same_size=False, grey=False, cores=4, device="cpu")


def test_photos_get_a_head_on_the_packaged_body() -> None:
    plan, reasons = propose(PHOTOS, {})
    assert (plan.transfer, plan.model, plan.optimizer) == ("head", Backbone(), LBFGS())
    assert (plan.picture.size, plan.picture.channels, plan.picture.mean) == (224, 3, (0.5, 0.5, 0.5))
    assert plan.split.validation == 0
    assert (plan.threads, plan.device, plan.seed) == (4, "cpu", 0)
    assert "640 pixels" in next(reason.why for reason in reasons if reason.name == "model")


def test_small_pictures_get_a_small_network() -> None:
    plan, reasons = propose(SMALL, {})
    assert plan.transfer == "scratch"
    assert isinstance(plan.model, SmallCNN)
    assert (plan.picture.size, plan.picture.channels) == (28, 1)
    assert {"model", "optimizer", "epochs", "refit"} <= {reason.name for reason in reasons}
    assert all(reason.why.endswith(".") for reason in reasons)


@pytest.mark.parametrize(("side", "transfer"), [(64, "scratch"), (65, "head")])
def test_the_limit_between_small_pictures_and_photos(side: int, transfer: str) -> None:
    assert propose(dataclasses.replace(SMALL, median_side=side), {})[0].transfer == transfer


def test_a_refit_is_left_out_where_it_would_double_a_long_training() -> None:
    assert propose(SMALL, {})[0].refit
    assert not propose(dataclasses.replace(SMALL, pictures=60_000), {})[0].refit


@how(max_examples=60)
@given(
    pictures=st.integers(3, 2_000_000),
    classes=st.integers(2, 1_000),
    side=st.integers(1, 64),
    same_size=st.booleans(),
    grey=st.booleans(),
    cores=st.integers(1, 128),
)
def test_any_facts_give_a_plan_whose_network_can_be_built(
    pictures: int, classes: int, side: int, same_size: bool, grey: bool, cores: int
) -> None:
    plan, _ = propose(Facts(pictures, classes, side, same_size, grey, cores, "cpu"), {})
    assert loads(dumps(plan)) == plan
    plan.model.build(plan.picture.channels, plan.picture.size, 2)


@pytest.mark.parametrize(
    ("facts", "settings", "model"),
    [
        (SMALL, "model=mlp", MLP()),
        (PHOTOS, "model=mlp", MLP()),
        (SMALL, "transfer=head", Backbone()),
        (SMALL, "model=timm:test_resnet@random", Backbone("test_resnet", "random")),
        (PHOTOS, "model=timm:test_resnet@random", Backbone("test_resnet", "random")),
    ],
)
def test_a_wish_for_a_model_decides_the_rest(facts: Facts, settings: str, model: object) -> None:
    plan, reasons = propose(facts, wishes(read_settings([settings])))
    assert plan.model == model
    assert plan.transfer == ("head" if isinstance(model, Backbone) else "scratch")
    wished = settings.partition("=")[0]
    assert next(reason.why for reason in reasons if reason.name == wished) == "You set it."


def test_a_network_of_timm_can_be_trained_from_scratch() -> None:
    plan, _ = propose(PHOTOS, wishes({"transfer": "scratch", "model": "timm:test_resnet@random"}))
    assert (plan.transfer, plan.model) == ("scratch", Backbone("test_resnet", "random"))
    assert plan.schedule is not None
    with pytest.raises(PlanError, match=r"would have no effect\. Choose model=timm:tf_efficientnet_lite0@random"):
        propose(PHOTOS, wishes({"transfer": "scratch", "model": "backbone"}))


def test_the_picture_is_the_one_that_the_body_was_trained_with() -> None:
    plan, _ = propose(PHOTOS, wishes({"model": "timm:test_resnet@random"}))
    assert (plan.picture.size, plan.picture.mean) == (160, (0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("facts", "setting", "message"),
    [
        (SMALL, "model=3", "model = 3 must be a name"),
        (SMALL, "optimizer=3", "optimizer = 3 must be a name"),
        (PHOTOS, "model.depth=2", "There is no setting 'model.depth'"),
        (PHOTOS, "model.weights=7", "model.weights = 7 is of the wrong kind"),
        (PHOTOS, "model=timm:resnet18x@random", "There is no timm model 'resnet18x'. Did you mean 'resnet18"),
        (PHOTOS, "model=timm:resnet18", "No weights of timm:resnet18 are installed"),
        (PHOTOS, "optimizer=adam", "its optimizer is a minimizer such as lbfgs"),
        (PHOTOS, "epochs=3", "epochs has no effect with transfer=head"),
        (SMALL, "head.folds=3", "head has no effect with transfer=scratch"),
        (PHOTOS, "optimizer.name=3", "optimizer = {'name': 3} must be a name"),
        (SMALL, "model.width=0", "model.width = 0 is outside its range"),
        (SMALL, "model.depht=2", "Did you mean 'model.depth'?"),
    ],
)
def test_wishes_that_cannot_be_are_errors(facts: Facts, setting: str, message: str) -> None:
    with pytest.raises(PlanError) as mistake:
        propose(facts, wishes(read_settings([setting])))
    assert message in str(mistake.value)


def test_a_head_on_a_network_that_is_not_pretrained_is_an_error() -> None:
    with pytest.raises(PlanError, match="transfer=head needs a pretrained body"):
        propose(SMALL, wishes({"transfer": "head", "model": "mlp", "model.width": 8}))


def test_everything_that_the_user_sets_is_listed() -> None:
    _, reasons = propose(SMALL, wishes({"ensemble": "ema", "dropout": 0.3, "max_norm": False, "members": 2, "seed": 3}))
    said = {reason.name: (reason.value, reason.why) for reason in reasons}
    assert said["ensemble"] == ("ema", "You set it.")
    assert said["dropout"] == ("on p 0.3", "You set it.")
    assert said["max_norm"] == ("off", "You set it.")
    assert said["members"] == ("2", "You set it.")
