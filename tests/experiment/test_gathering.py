"""What an ensemble would gather is known, and refused, before anything is trained."""

from dataclasses import replace

import pytest

from ravine.base.errors import PlanError
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices
from ravine.ensemble.snapshot import Snapshot
from ravine.experiment.gathering import check_gathering, collector
from ravine.models.mlp import MLP
from ravine.optim.sgd import SGD
from ravine.plan.plan import Plan
from ravine.schedules.constant import Constant
from ravine.schedules.cosine_restarts import CosineRestarts

CYCLES = CosineRestarts(first=4.0, unit="step")
PLAN = Plan(
    model=MLP(),
    transfer="scratch",
    picture=Preprocess(size=8, channels=1),
    split=SplitChoices(),
    optimizer=SGD(),
    schedule=CYCLES,
    penalty=(),
    epochs=4,
    batch_size=10,
    ensemble=Snapshot(),
)


def test_a_snapshot_is_gathered_at_the_end_of_each_cycle_of_the_steps_that_the_pictures_make() -> None:
    gathered = collector(PLAN, [0], 40)
    assert gathered is not None
    assert gathered.copies == 4
    assert collector(replace(PLAN, ensemble=None), [0], 40) is None


def test_a_schedule_without_cycles_is_refused() -> None:
    with pytest.raises(PlanError, match="goes up again"):
        check_gathering(replace(PLAN, schedule=Constant()), 40, 40)


def test_a_repetition_that_would_gather_more_is_refused_unless_there_is_none() -> None:
    with pytest.raises(PlanError, match=r"gathers 4 .* all pictures, .* 5\. Set schedule.unit=run, or refit=false"):
        check_gathering(PLAN, 40, 50)
    check_gathering(replace(PLAN, refit=False), 40, 50)
    check_gathering(PLAN, 40, 40)
    check_gathering(replace(PLAN, schedule=CosineRestarts(first=0.5)), 40, 50)
