import pytest
import torch
from torch import nn

from ravine.base.draws import FixedDraws
from ravine.base.errors import PlanError
from ravine.ensemble.disagreement import disagreement
from ravine.ensemble.monte_carlo import MeanOverPasses, MonteCarlo, drawing
from ravine.regularize.dropout import DropoutLayer


def _network(p: float = 0.5) -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Linear(6, 40), nn.ReLU(), DropoutLayer(p, "inverted", layer=0), nn.Linear(40, 20), nn.ReLU())
    return nn.Sequential(*layers, DropoutLayer(p, "plain", layer=1), nn.Linear(20, 3)).eval()


X = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))


def test_it_is_the_mean_over_passes_with_fixed_draws():
    network = _network()
    said = MonteCarlo(passes=7, seed=3).finish(network)(X)
    total = torch.zeros(5, 3)
    for number in range(7):
        for layer in (network[2], network[5]):
            layer.test_draws = FixedDraws(3, number)
        total += torch.softmax(network(X), 1)
    torch.testing.assert_close(said.exp(), total / 7)


def test_answers_repeat_and_do_not_depend_on_the_other_pictures():
    answers = MonteCarlo(passes=4).finish(_network())
    assert torch.equal(answers(X), answers(X))
    torch.testing.assert_close(answers(X[2:3]), answers(X)[2:3])


def test_passes_differ_and_seeds_too():
    network = _network()
    said = MonteCarlo(passes=3).finish(network).members(X)
    assert not torch.equal(said[0], said[1])
    assert not torch.equal(said, MonteCarlo(passes=3, seed=1).finish(network).members(X))


def test_the_network_itself_stays_deterministic():
    network = _network()
    before = network(X)
    MonteCarlo(passes=2).finish(network)(X)
    assert torch.equal(network(X), before)


def test_also_after_an_error():
    network = _network()
    with pytest.raises(RuntimeError, match="shapes"):
        MonteCarlo(passes=2).finish(network)(torch.randn(2, 5))
    assert len(drawing(network)) == 2


def test_a_layer_that_has_draws_of_its_own_keeps_them():
    network = _network()
    own = network[2].test_draws = FixedDraws(9)
    MonteCarlo(passes=2).finish(network)(X)
    assert network[2].test_draws is own


def test_nothing_to_draw_is_refused():
    with pytest.raises(PlanError, match="no dropout"):
        MonteCarlo().finish(nn.Linear(2, 2))


def test_without_a_share_to_drop_all_passes_agree():
    network = _network(p=0.0)
    answers = MonteCarlo(passes=5).finish(network)
    assert isinstance(answers, MeanOverPasses)
    said = answers.members(X).transpose(0, 1).detach().numpy()
    assert disagreement(said, answers.votes.numpy()).mutual_information == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(answers(X), torch.log_softmax(network(X), 1))


def test_the_mean_nears_the_deterministic_pass_of_a_linear_network():
    network = nn.Sequential(DropoutLayer(0.1, "inverted"), nn.Linear(6, 3)).eval()
    said = MonteCarlo(passes=500).finish(network)(X)
    torch.testing.assert_close(said.exp(), torch.softmax(network(X), 1), rtol=0, atol=0.03)


def test_an_exported_one_answers_alike():
    network = MonteCarlo(passes=3).finish(_network())
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(network, (torch.randn(3, 6),), dynamic_shapes=dynamic).module()
    x = torch.randn(7, 6)
    torch.testing.assert_close(exported(x), network(x))
