"""Which augmentations a preset has."""

import dataclasses

import pytest

from ravine.augment.crop import Crop
from ravine.augment.cutout import Cutout
from ravine.augment.flip import Flip
from ravine.data.mirror import Mirror
from ravine.models.small_cnn import SmallCNN
from ravine.plan.augmentation import EPOCHS, augmentation
from ravine.plan.facts import Facts, Reason
from ravine.plan.presets import propose
from ravine.plan.toml import dumps, loads, parse, read_settings, wishes

DIGITS = Facts(2_000, 10, 28, True, True, 2, "cpu", mirror=lambda: Mirror(False, "A mirrored 2 is no 2."))
THINGS = dataclasses.replace(DIGITS, mirror=lambda: Mirror(True, "They face either way."))
PHOTOS = dataclasses.replace(DIGITS, median_side=640, grey=False)


def unasked() -> Mirror:
    raise AssertionError("The pictures were measured, although the answer is not needed.")


def choice(facts: Facts, name: str, *settings: str) -> Reason:
    return next(reason for reason in propose(facts, wishes(read_settings(settings)))[1] if reason.name == name)


@pytest.mark.parametrize(("facts", "value"), [(DIGITS, "off"), (THINGS, "on")])
def test_pictures_are_flipped_where_they_keep_their_labels(facts: Facts, value: str) -> None:
    plan, _ = propose(facts, {})
    assert (Flip() in plan.techniques) == (value == "on")
    assert choice(facts, "flip") == Reason("flip", value, facts.mirror().why)


def test_without_a_measurement_nothing_is_flipped() -> None:
    plan, _ = propose(Facts(2_000, 10, 28, True, True, 2, "cpu"), {})
    assert plan.techniques == (Crop(0.04),)


@pytest.mark.parametrize(
    ("size", "epochs", "value"),
    [
        (8, 60, "off"),
        (12, 60, "off"),
        (13, 60, "on, up to 1 pixel"),
        (28, EPOCHS, "on, up to 1 pixel"),
        (64, 60, "on, up to 3 pixels"),
        (64, EPOCHS - 1, "off"),
        (64, 1, "off"),
    ],
)
def test_pictures_are_shifted_where_a_pixel_is_little_and_epochs_are_many(size: int, epochs: int, value: str) -> None:
    tree, reasons = augmentation(DIGITS, SmallCNN(), size, epochs)
    assert reasons[1].value == value
    assert ("crop" in tree) == (value != "off")
    assert all(reason.why.endswith(".") for reason in reasons)


@pytest.mark.parametrize(("model", "shifted"), [("mlp", False), ("residual", True)])
def test_networks_without_convolutions_see_no_shifts(model: str, shifted: bool) -> None:
    plan, _ = propose(DIGITS, wishes({"model": model}))
    assert (Crop(0.04) in plan.techniques) == shifted
    assert (choice(DIGITS, "crop", f"model={model}").value == "off") != shifted


def test_the_epochs_that_count_are_those_of_the_plan() -> None:
    assert Crop(0.04) not in propose(DIGITS, {"epochs": EPOCHS - 1})[0].techniques
    many = dataclasses.replace(DIGITS, pictures=60_000)
    assert Crop(0.04) not in propose(many, {})[0].techniques
    assert Crop(0.04) in propose(many, {"epochs": EPOCHS})[0].techniques
    assert Crop(0.04) not in propose(many, {"epochs": EPOCHS, "picture": {"size": 12}})[0].techniques


@pytest.mark.parametrize(
    ("facts", "setting", "techniques", "value"),
    [
        (DIGITS, "flip=true", (Crop(0.04), Flip()), "on"),
        (THINGS, "flip=false", (Crop(0.04),), "off"),
        (DIGITS, "flip=random", (Crop(0.04), Flip("random")), "on mode random"),
        (DIGITS, "crop=false", (), "off"),
        (DIGITS, "crop=0.1", (Crop(0.1),), "on share 0.1"),
        (DIGITS, "crop.border=constant", (Crop(0.04, "constant"),), "on border constant"),
    ],
)
def test_the_user_decides(facts: Facts, setting: str, techniques: tuple[object, ...], value: str) -> None:
    plan, _ = propose(facts, wishes(read_settings([setting])))
    assert plan.techniques == techniques
    name = setting.partition("=")[0].partition(".")[0]
    assert choice(facts, name, setting) == Reason(name, value, "You set it.")


def test_other_augmentations_go_beside_the_preset() -> None:
    plan, _ = propose(THINGS, wishes({"cutout": True}))
    assert plan.techniques == (Crop(0.04), Flip(), Cutout())


@pytest.mark.parametrize(
    ("facts", "settings"),
    [(PHOTOS, []), (DIGITS, ["optimizer=lbfgs"]), (DIGITS, ["transfer=head"]), (DIGITS, ["flip=true"])],
)
def test_pictures_are_measured_only_where_the_answer_counts(facts: Facts, settings: list[str]) -> None:
    plan, _ = propose(dataclasses.replace(facts, mirror=unasked), wishes(read_settings(settings)))
    assert bool(plan.techniques) == (settings == ["flip=true"])


@pytest.mark.parametrize("settings", [["flip=false", "crop=false"], ["flip=false"], []])
def test_the_plan_of_an_earlier_run_is_repeated_as_it_was(settings: list[str]) -> None:
    plan, _ = propose(THINGS, wishes(read_settings(settings)))
    again, reasons = propose(dataclasses.replace(THINGS, mirror=unasked), wishes(parse(dumps(plan), "plan.toml")))
    assert again == plan == loads(dumps(plan))
    assert {"flip", "crop"}.isdisjoint(reason.name for reason in reasons)
