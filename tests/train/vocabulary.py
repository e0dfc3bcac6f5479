"""Finds every rule, schedule and penalty by walking the packages."""

import importlib
import inspect
import pkgutil

import ravine.optim
import ravine.penalties
import ravine.schedules
from ravine.interfaces import Part, Penalty, Rule, Schedule


def _found(package: object, kind: type[Part]) -> list[type]:
    found = []
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(cls, kind) and not inspect.isabstract(cls) and cls.__module__ == module.name:
                found.append(cls)
    return sorted(found, key=lambda cls: cls.__name__)


RULES = _found(ravine.optim, Rule)
SCHEDULES = _found(ravine.schedules, Schedule)
PENALTIES = _found(ravine.penalties, Penalty)
EVERYTHING = [*RULES, *SCHEDULES, *PENALTIES]
