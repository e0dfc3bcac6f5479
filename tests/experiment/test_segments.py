"""Rungs, and members that go on in smaller populations: what they are is what they would have been without."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_every_switch import PACK, PLAN, SPLIT

from ravine.base.errors import PlanError, TrainingError
from ravine.data.split import Split
from ravine.ensemble.ema import EMA
from ravine.ensemble.snapshot import Snapshot
from ravine.experiment.fitted import Fitted, Trained
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.optim.adam import Adam
from ravine.optim.momentum import Momentum
from ravine.optim.schedule_free import ScheduleFree
from ravine.plan.plan import Plan
from ravine.plan.rungs import Rung
from ravine.plan.toml import dumps, loads
from ravine.regularize.dropout import Dropout
from ravine.regularize.early_stopping import EarlyStopping
from ravine.schedules.constant import Constant
from ravine.train.record import Epoch

RATES = (0.02, 1e-6, 0.05, 3e-3, 1e-5, 0.03, 1e-3, 0.01)
EIGHT = replace(PLAN, members=8, optimizer=Momentum(lr=RATES))
RUNGS = (Rung(1, 4), Rung(3, 2))


def source(plan: Plan, split: Split = SPLIT) -> Scratch:
    return Scratch(plan, PACK, split, ("a", "b", "c"))


def trained(plan: Plan) -> Trained:
    return source(plan).train(SPLIT.train, range(plan.members), "choose", Stages())


def fit(plan: Plan) -> Fitted:
    return source(plan).fit(Stages())


def everything(found: Trained, rows: Sequence[int]) -> torch.Tensor:
    networks = [found.population.networks[row] for row in rows]
    return torch.stack([torch.cat([v.flatten().double() for v in one.state_dict().values()]) for one in networks])


def record(history: Sequence[Epoch], member: int) -> list[Epoch]:
    return [replace(epoch, seconds=0) for epoch in history if epoch.member == member and epoch.run == "choose"]


@pytest.mark.parametrize(
    ("optimizer", "more"),
    [
        (Momentum(lr=RATES), {}),
        (Adam(lr=RATES), {"techniques": (Dropout(p=tuple(0.05 * k for k in range(8)), where="after_block"),)}),
        (ScheduleFree(lr=RATES), {"schedule": Constant(), "penalty": ()}),
        (Momentum(lr=RATES), {"ensemble": Snapshot()}),
        (Momentum(lr=RATES), {"ensemble": EMA(0.9)}),
        (Momentum(lr=RATES), {"same_order": True}),
    ],
)
def test_members_that_go_on_have_the_bits_of_a_training_without_rungs(optimizer: Any, more: dict[str, Any]) -> None:
    plain = replace(EIGHT, optimizer=optimizer, **more)
    whole, part = trained(plain), trained(replace(plain, rungs=RUNGS))
    finalists = [row for row in range(8) if row not in part.ended]
    assert len(finalists) == 2
    assert torch.equal(everything(whole, finalists), everything(part, finalists))
    for member in range(8):
        own, all_of_it = record(part.history, member), record(whole.history, member)
        assert own == all_of_it[: part.ended[member].epoch if member in part.ended else 6]
    if whole.collector and part.collector:
        for row in finalists:
            one, other = whole.collector.candidates(row), part.collector.candidates(row)
            assert torch.equal(one.theta, other.theta)
            assert torch.equal(one.buffers, other.buffers)


@pytest.mark.parametrize("select", ["nll", "accuracy"])
def test_the_best_by_the_selection_metric_go_on(select: Any) -> None:
    found = trained(replace(EIGHT, rungs=RUNGS, select=select))
    sign = 1 if select == "nll" else -1
    living = list(range(8))
    for rung in RUNGS:
        values = {
            epoch.member: sign * getattr(epoch, f"validation_{select}")
            for epoch in found.history
            if epoch.epoch == rung.epoch
        }
        assert sorted(values) == living
        kept = sorted(living, key=lambda row: values[row])[: rung.keep]
        for row in set(living) - set(kept):
            assert found.ended[row].epoch == rung.epoch
            assert found.ended[row].value == pytest.approx(sign * values[row])
        living = sorted(kept)
    assert set(range(8)) - set(found.ended) == set(living)


def test_macro_f1_can_compare_too() -> None:
    found = trained(replace(EIGHT, rungs=RUNGS, select="macro_f1"))
    assert len(found.ended) == 6
    assert all(0 <= one.value <= 1 for one in found.ended.values())


def test_those_that_ended_are_candidates_that_cannot_be_chosen() -> None:
    fitted = fit(replace(EIGHT, rungs=RUNGS, refit=True))
    assert len(fitted.candidates) == 8
    notes = [candidate.note for candidate in fitted.candidates]
    assert sum(note.endswith("ended after epoch 1") for note in notes) == 4
    assert sum(note.endswith("ended after epoch 3") for note in notes) == 2
    assert notes[1].startswith("optimizer.lr 1e-06")
    (chosen,) = [place for place, one in enumerate(fitted.candidates) if one.chosen]
    assert chosen not in fitted.ended
    assert fitted.failed == ()
    assert all(np.isfinite(one.value) for one in fitted.candidates)
    assert {epoch.member for epoch in fitted.history if epoch.run == "refit"} == {5}
    assert sum(epoch.run == "refit" for epoch in fitted.history) == 6, "a refit has no rungs"


def test_the_choice_is_that_of_a_training_without_rungs_where_the_best_go_on() -> None:
    plain, short = fit(EIGHT), fit(replace(EIGHT, rungs=(Rung(5, 2),)))
    assert [one.chosen for one in plain.candidates] == [one.chosen for one in short.candidates]
    for one, other in zip(plain.network.state_dict().values(), short.network.state_dict().values(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("way", ["stacked", "spread", "spread_stacked"])
def test_under_other_executions_it_is_the_same_up_to_rounding(way: Any) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        whole, part = trained(EIGHT), trained(replace(EIGHT, rungs=RUNGS, execution=way, graph=None))
    finally:
        torch.set_num_threads(threads)
    finalists = [row for row in range(8) if row not in part.ended]
    torch.testing.assert_close(everything(whole, finalists), everything(part, finalists), rtol=1e-4, atol=1e-5)
    assert part.decided.execution == way
    assert [rung.execution for rung in part.decided.rungs or ()] == [way, way]


def test_one_member_goes_on_by_itself() -> None:
    found = trained(replace(EIGHT, rungs=(Rung(1, 1),), execution="stacked", graph=None))
    assert len(found.ended) == 7
    assert found.decided.rungs == (Rung(1, 1),)
    (last,) = set(range(8)) - set(found.ended)
    alone = replace(EIGHT, members=1, seed=last, optimizer=Momentum(lr=RATES[last]))
    torch.testing.assert_close(everything(trained(alone), [0]), everything(found, [last]), rtol=1e-4, atol=1e-5)


def test_what_was_measured_is_in_the_plan_and_repeats_the_bits() -> None:
    plan = replace(EIGHT, rungs=RUNGS, execution=None, graph=None, compiled=None)
    first = fit(plan)
    measured = first.decided.into(plan)
    assert measured.execution is not None
    assert all(rung.execution is not None for rung in measured.rungs)
    again = fit(loads(dumps(measured)))
    assert again.decided.into(measured) == measured
    for one, other in zip(first.network.state_dict().values(), again.network.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_failed_members_make_no_difference_to_the_others_and_are_not_called_ended() -> None:
    rates = (1e30, 0.02, 1e30, 1e30, 0.01, 0.03, 1e30, 1e30)
    found = trained(replace(EIGHT, optimizer=Momentum(lr=rates), rungs=(Rung(2, 2),)))
    assert found.alive.tolist() == [rate < 1 for rate in rates]
    assert len(found.ended) == 1
    finalists = [row for row in (1, 4, 5) if row not in found.ended]
    whole = trained(replace(EIGHT, optimizer=Momentum(lr=rates)))
    few = [trained(replace(EIGHT, members=1, seed=row, optimizer=Momentum(lr=rates[row]))) for row in finalists]
    alone = torch.cat([everything(one, [0]) for one in few])
    assert torch.equal(everything(found, finalists), everything(whole, finalists))
    assert torch.equal(everything(found, finalists), alone)


def test_when_all_that_went_on_fail_it_is_an_error() -> None:
    late = replace(EIGHT, members=2, schedule=Constant(), rungs=(Rung(1, 1),), optimizer=Momentum(lr=(1e-6, 1e30)))
    assert trained(late).alive.tolist() == [True, False]
    with pytest.raises(TrainingError, match="Choose a smaller"):
        trained(replace(late, optimizer=Momentum(lr=(1e30, 1e30))))


def test_early_stopping_leaves_a_smaller_population_with_the_same_bits() -> None:
    rates = (0.4, 0.3, 0.5, 0.001)
    plan = replace(
        PLAN, members=4, epochs=8, schedule=Constant(), optimizer=Momentum(lr=rates), techniques=(EarlyStopping(1),)
    )
    found = trained(plan)
    ended = {row: len(record(found.history, row)) for row in range(4)}
    assert min(ended.values()) < 8
    for row, rate in enumerate(rates):
        alone = trained(replace(plan, members=1, seed=row, optimizer=Momentum(lr=rate)))
        assert torch.equal(everything(alone, [0]), everything(found, [row]))
        assert [epoch.train_loss for epoch in alone.history] == [e.train_loss for e in record(found.history, row)]
        assert alone.kept[0] == found.kept[row]
    assert found.ended == {}


def test_early_stopping_and_rungs_together() -> None:
    rates = (0.4, 1e-6, 0.02, 0.01)
    plan = replace(
        PLAN, members=4, epochs=8, schedule=Constant(), optimizer=Momentum(lr=rates), techniques=(EarlyStopping(2),)
    )
    plain, found = trained(plan), trained(replace(plan, rungs=(Rung(4, 1),)))
    for row in set(range(4)) - set(found.ended):
        assert torch.equal(everything(plain, [row]), everything(found, [row]))
        assert plain.kept[row] == found.kept[row]


def test_rungs_without_validation_pictures_are_refused() -> None:
    with pytest.raises(PlanError, match=r"rungs need validation pictures .* Set split.validation above 0"):
        source(replace(EIGHT, rungs=RUNGS), replace(SPLIT, validation=np.arange(0))).fit(Stages())
