"""The built-in pictures as a training of five seeds, one population."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ravine.data.audit import Audit
from ravine.data.pack import pack
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.split import split
from ravine.device.machine import usable_cores
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.plan.presets import Facts, propose
from ravine.plan.toml import wishes
from ravine.train.evaluate import logits, packed

SEEDS = 5


@cache
def _audit() -> Audit:
    return scan(read_source("demo"))


def scratch(settings: Mapping[str, Any]) -> Scratch:
    """The demo with a plan."""
    audit = _audit()
    facts = Facts(2_000, 10, 28, True, True, usable_cores(), "cpu")
    plan, _ = propose(facts, wishes(settings))
    return Scratch(plan, pack(audit, plan.picture), split(audit, plan.split, plan.seed), audit.classes)


def accuracies(settings: Mapping[str, Any], part: str) -> NDArray[np.float64]:
    """Accuracy of five members with the same plan and seeds 0 to 4, on "validation" (300) or "test" (500) pictures."""
    source = scratch({**settings, "members": SEEDS})
    trained = source.train(source.split.train, range(SEEDS), "choose", Stages())
    rows = getattr(source.split, part)
    images, labels = torch.as_tensor(source.pack.images), source.pack.labels[rows]
    return np.array(
        [
            float((logits(network, packed(images, rows, source.plan.picture)).argmax(1) == labels).mean())
            for network in trained.population.networks
        ]
    )
