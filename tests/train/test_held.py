"""Members judged together are worth what they are worth one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from training import CLASSES, HELD, IMAGES, LABELS, PICTURE, SIZE

from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.stats.calibration import probabilities
from ravine.stats.scores import score
from ravine.train import evaluate
from ravine.train.execution import Execution, Looped
from ravine.train.held import Held, Judged, judge, judge_all
from ravine.train.spread import Spread
from ravine.train.stacked import Stacked
from ravine.train.state import PictureShape, Population

PICTURES = Held(torch.from_numpy(IMAGES), HELD, LABELS[HELD])
WAYS = [Looped, Stacked, lambda members: Spread(members, Stacked, 2, 2), lambda members: Spread(members, Looped, 3, 2)]


def population(architecture: MLP | SmallCNN) -> Population:
    return Population(architecture, PictureShape(1, SIZE, CLASSES), (4, 0, 9))


@pytest.mark.parametrize("architecture", [MLP(width=6, depth=1), SmallCNN(width=3, depth=2)])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("chunk", [1, 10_000_000])
def test_together_and_one_by_one(
    architecture: MLP | SmallCNN, way: type[Execution], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = population(architecture)
    expected = [judge(network, PICTURES, PICTURE) for network in members.networks]
    monkeypatch.setattr(evaluate, "CHUNK_BYTES", chunk)
    found = judge_all(way(members), PICTURES, PICTURE, None)
    for one, other in zip(expected, found, strict=True):
        assert one.nll == pytest.approx(other.nll, abs=1e-5)
        assert (one.accuracy, one.macro_f1) == (other.accuracy, other.macro_f1)


@pytest.mark.parametrize("way", WAYS)
def test_those_that_nobody_asks_about_have_no_measures(way: type[Execution]) -> None:
    found = judge_all(way(population(MLP(width=6, depth=1))), PICTURES, PICTURE, torch.tensor([True, False, True]))
    assert [math.isnan(one.nll or 0.0) for one in found] == [False, True, False]


def test_a_member_that_is_not_finite_has_no_measures_and_changes_no_other() -> None:
    whole, broken = population(MLP(width=6, depth=1)), population(MLP(width=6, depth=1))
    broken.theta[1] = math.inf
    expected, found = (judge_all(Stacked(one), PICTURES, PICTURE, None) for one in (whole, broken))
    assert math.isnan(found[1].nll or 0.0)
    assert [found[0], found[2]] == [expected[0], expected[2]]


def test_against_the_scores_of_the_logits() -> None:
    members = population(MLP(width=6, depth=1))
    found = judge_all(Looped(members), PICTURES, PICTURE, None)
    x = PICTURE.normalise(torch.from_numpy(IMAGES[HELD]).permute(0, 3, 1, 2))
    for network, one in zip(members.networks, found, strict=True):
        with torch.no_grad():
            expected = score(probabilities(network.eval()(x).numpy()), LABELS[HELD], ("a", "b", "c"))
        assert one == pytest.approx((expected.nll, expected.accuracy, expected.macro_f1), abs=1e-6)


def test_without_pictures_there_is_nothing_to_say() -> None:
    assert judge_all(Looped(population(MLP(width=6, depth=1))), None, PICTURE, None) == [Judged()] * 3


def test_pictures_may_come_in_any_order() -> None:
    members = population(MLP(width=6, depth=1))
    turned = replace(PICTURES, indices=HELD[::-1].copy(), labels=LABELS[HELD][::-1].copy())
    one, other = (judge_all(Looped(members), held, PICTURE, None) for held in (PICTURES, turned))
    assert np.allclose(one, other)
