"""Train an image classifier on your own pictures, and know which technique paid.

    import ravine

    result = ravine.fit("photos/", out="runs/photos")
    print(result.test["accuracy"])
    model = ravine.load("runs/photos/model.ravine")
    print(model.predict(["photo.jpg"])[0].label)

Names are imported when they are first used, so that `import ravine` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ravine.base.errors import (
        BundleError,
        ImageError,
        OutputError,
        PlanError,
        RavineError,
        SourceError,
        TrainingError,
    )
    from ravine.bundle import Model, Prediction, load
    from ravine.plan.plan import Plan
    from ravine.stories.evaluation import check, evaluate
    from ravine.stories.fit import fit
    from ravine.stories.result import Result

__version__ = "0.1.0"

_HOMES = {
    "BundleError": "ravine.base.errors",
    "ImageError": "ravine.base.errors",
    "OutputError": "ravine.base.errors",
    "PlanError": "ravine.base.errors",
    "RavineError": "ravine.base.errors",
    "SourceError": "ravine.base.errors",
    "TrainingError": "ravine.base.errors",
    "Model": "ravine.bundle",
    "Plan": "ravine.plan.plan",
    "Prediction": "ravine.bundle",
    "Result": "ravine.stories.result",
    "check": "ravine.stories.evaluation",
    "evaluate": "ravine.stories.evaluation",
    "fit": "ravine.stories.fit",
    "load": "ravine.bundle",
}

__all__ = [
    "BundleError",
    "ImageError",
    "Model",
    "OutputError",
    "Plan",
    "PlanError",
    "Prediction",
    "RavineError",
    "Result",
    "SourceError",
    "TrainingError",
    "check",
    "evaluate",
    "fit",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ravine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
