"""The table of names holds every part there is, each under one name."""

import importlib
import inspect
import pkgutil

import pytest

import ravine.models
import ravine.optim
import ravine.penalties
import ravine.schedules
from ravine.base.errors import PlanError
from ravine.interfaces import Part
from ravine.plan.catalog import PARTS, find, kind_of, name_of, parse_word, table

ROOMS = {
    "optimizer": ravine.optim,
    "schedule": ravine.schedules,
    "penalty": ravine.penalties,
    "model": ravine.models,
}
IN_A_PLAN = [kind for kind in PARTS if kind in ROOMS]


@pytest.mark.parametrize("kind", IN_A_PLAN)
def test_every_final_part_of_a_room_has_a_name(kind: str) -> None:
    found = set()
    for module in pkgutil.walk_packages(ROOMS[kind].__path__, f"{ROOMS[kind].__name__}."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(cls, Part) and cls.__module__ == module.name and not inspect.isabstract(cls):
                found.add(cls)
    assert set(PARTS[kind]) == {cls for cls in found if kind_of(cls) == kind}


@pytest.mark.parametrize("kind", PARTS)
def test_names_and_parts_are_one_to_one(kind: str) -> None:
    assert len(table(kind)) == len(PARTS[kind])
    for name, cls in table(kind).items():
        assert find(kind, name) is cls
        assert name_of(cls) == name


def test_names_of_all_kinds_differ_so_that_one_name_asks_for_one_card() -> None:
    names = [name for kind in PARTS for name in table(kind)]
    assert len(set(names)) == len(names)


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(PlanError, match=r"There is no schedule 'one-cycle'. Did you mean 'one_cycle'?"):
        find("schedule", "one-cycle")


def test_short_forms_of_models() -> None:
    assert parse_word("model", "timm:resnet18") == {"name": "backbone", "timm": "resnet18", "weights": "packaged"}
    assert parse_word("model", "timm:a@random")["weights"] == "random"
    assert parse_word("model", "backbone")["timm"] == "tf_efficientnet_lite0"
    assert parse_word("optimizer", "timm:a") == {"name": "timm:a"}
