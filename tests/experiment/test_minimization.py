import numpy as np
import pytest
import torch

from ravine.base.errors import PlanError
from ravine.data.pack import Pack
from ravine.data.preprocess import Preprocess
from ravine.data.split import Split, SplitChoices
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Stages
from ravine.models.mlp import MLP
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.newton_cg import NewtonCG
from ravine.penalties.l2 import L2
from ravine.plan.plan import Plan

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(3), 20)
IMAGES = (RNG.integers(0, 120, (60, 6, 6, 1)) + 60 * LABELS[:, None, None, None]).astype(np.uint8)
ORDER = RNG.permutation(60)
SPLIT = Split(np.sort(ORDER[:36]), np.sort(ORDER[36:48]), np.sort(ORDER[48:]), "drawn", 0)


def scratch(**choices: object) -> Scratch:
    plan = {
        "model": MLP(width=5, depth=1),
        "transfer": "scratch",
        "picture": Preprocess(size=6, channels=1),
        "split": SplitChoices(),
        "optimizer": LBFGS(),
        "penalty": (L2(1e-3),),
        "epochs": 30,
    }
    return Scratch(Plan(**(plan | choices)), Pack(IMAGES, LABELS, False, 0.0, None), SPLIT, ("a", "b", "c"))


@pytest.mark.parametrize("optimizer", [LBFGS(), NewtonCG(products=5)], ids=["lbfgs", "newton_cg"])
def test_the_loss_falls_and_is_recorded(optimizer):
    fitted = scratch(optimizer=optimizer).fit(Stages())
    chosen = [epoch for epoch in fitted.history if epoch.run == "choose"]
    losses = [epoch.train_loss for epoch in chosen]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]
    assert fitted.unseen.scores(("a", "b", "c")).accuracy > 0.8
    assert fitted.decided.compiled is None


def test_members_alone_and_together_end_alike():
    together = scratch(members=2, refit=False).train(SPLIT.train, [0, 1], "choose", Stages())
    alone = scratch(seed=1, refit=False).train(SPLIT.train, [0], "choose", Stages())
    assert torch.allclose(together.population.theta[1], alone.population.theta[0], atol=1e-5)


def test_on_mini_batches_it_is_refused_with_the_reason():
    with pytest.raises(PlanError, match="between two mini-batches these are mostly noise"):
        scratch(batch_size=12)


def test_on_mini_batches_it_runs_when_that_is_asked_for():
    fitted = scratch(batch_size=12, allow_minibatch=True, epochs=2, refit=False).fit(Stages())
    assert [epoch.epoch for epoch in fitted.history] == [1, 2]
