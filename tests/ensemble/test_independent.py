import numpy as np
import torch
from scipy.special import softmax
from torch import nn

from ravine.ensemble.committee import answering
from ravine.ensemble.independent import Independent
from ravine.optim.sgd import SGD


def test_all_members_vote_alike():
    recipe = Independent().combine(3, None)
    networks = [nn.Linear(4, 3) for _ in range(3)]
    x = torch.randn(5, 4)
    with torch.no_grad():
        said = answering(networks, recipe.votes)(x).exp().numpy()
        expected = np.mean([softmax(network(x).numpy(), axis=1) for network in networks], axis=0)
    np.testing.assert_allclose(said, expected, rtol=1e-5)
    assert recipe.mixtures == ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def test_one_member_is_refused():
    assert "members=5" in (Independent().refuses(SGD(), members=1) or "")
    assert Independent().refuses(SGD(), members=2) is None


def test_it_is_not_worse_than_the_members_are_on_average():
    said = softmax(np.random.default_rng(0).normal(size=(4, 50, 3)) * 3, axis=2)
    mean_of_losses = -np.log(said[:, :, 0]).mean()
    assert -np.log(said.mean(axis=0)[:, 0]).mean() <= mean_of_losses
