"""Members that see the pictures in one order."""

from dataclasses import replace

import numpy as np
import torch
from test_every_switch import PACK, PLAN, SPLIT

from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.plan.plan import Plan

SAME = replace(PLAN, same_order=True)


def trained(plan: Plan) -> torch.Tensor:
    source = Scratch(plan, PACK, SPLIT, ("a", "b", "c"))
    return source.train(SPLIT.train, range(plan.members), "choose", Stages()).population.theta


def test_it_is_that_of_the_first_seed_and_it_is_read_once() -> None:
    own, same = (
        Scratch(plan, PACK, SPLIT, ("a", "b", "c")).prepare(SPLIT.train, [0, 1, 2], "choose", [0, 1, 2])
        for plan in (PLAN, SAME)
    )
    assert np.array_equal(same.batches.rows(1, 2), own.batches.rows(1, 2)[:1])
    pixels = [pixels for pixels, _ in same.seen(same.batches.at(0, 0), 0)]
    assert all(one is pixels[0] for one in pixels)


def test_the_first_member_does_not_change_and_the_others_do() -> None:
    own, same = trained(PLAN), trained(SAME)
    assert torch.equal(own[0], same[0])
    assert (own[1:] != same[1:]).any(dim=1).all()


def test_members_side_by_side_are_what_they_are_one_after_another() -> None:
    same = trained(SAME)
    torch.testing.assert_close(trained(replace(SAME, execution="stacked", graph=None)), same, rtol=1e-4, atol=1e-5)
