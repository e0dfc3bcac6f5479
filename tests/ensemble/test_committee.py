import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import logsumexp, softmax
from torch import nn

from ravine.ensemble.committee import EachMember, MeanOfSoftmax, answering, log_mean_of_softmax
from ravine.stats.calibration import probabilities


class Says(nn.Module):
    """Answers fixed logits, whatever it sees."""

    def __init__(self, logits: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("logits", torch.from_numpy(logits))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits[: len(x)]


def _committee(logits: np.ndarray, votes: np.ndarray) -> MeanOfSoftmax:
    return MeanOfSoftmax([Says(own) for own in logits], votes.tolist())


def _votes(members: int) -> np.ndarray:
    counts = np.arange(1.0, members + 1)
    return counts / counts.sum()


@given(arrays.arrays(np.float64, (3, 4, 5), elements=st.floats(-30, 30)))
def test_it_is_the_weighted_mean_of_the_softmaxes(logits):
    said = _committee(logits, _votes(3))(torch.zeros(4, 1)).numpy()
    np.testing.assert_allclose(np.exp(said), np.average(softmax(logits, axis=2), axis=0, weights=_votes(3)), rtol=1e-12)


@given(arrays.arrays(np.float32, (3, 4, 5), elements=st.floats(-1e4, 1e4, width=32)))
def test_huge_logits_are_as_exact_as_small_ones(logits):
    said = _committee(logits, _votes(3))(torch.zeros(4, 1)).numpy()
    own = logits.astype(np.float64) - logsumexp(logits.astype(np.float64), axis=2, keepdims=True)
    exact = logsumexp(own + np.log(_votes(3))[:, None, None], axis=0)
    assert np.isfinite(said).all()
    np.testing.assert_allclose(said, exact, rtol=1e-6, atol=1e-5)


def test_it_needs_no_temperature_of_its_own():
    logits = np.random.default_rng(0).normal(size=(2, 4, 3))
    said = _committee(logits, _votes(2))(torch.zeros(4, 1)).numpy()
    np.testing.assert_allclose(probabilities(said), np.exp(said), rtol=1e-12)


def test_gradients():
    said = torch.log_softmax(torch.randn(3, 2, 4, dtype=torch.float64), 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: log_mean_of_softmax(p, torch.tensor([0.2, 0.3, 0.5])), [said])


def test_one_network_keeps_its_logits():
    network = nn.Linear(2, 3)
    assert answering([network], [1.0]) is network
    assert isinstance(answering([network, network], [0.5, 0.5]), MeanOfSoftmax)


def test_each_member_is_a_column():
    logits = np.random.default_rng(0).normal(size=(2, 4, 3))
    said = EachMember(_committee(logits, _votes(2)))(torch.zeros(4, 1))
    np.testing.assert_allclose(said.exp().numpy(), softmax(logits, axis=2).transpose(1, 0, 2), rtol=1e-12)


def _networks(seed: int) -> list[nn.Module]:
    torch.manual_seed(seed)
    return [nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3)) for _ in range(2)]


def test_it_is_rebuilt_without_memory_and_filled_from_its_state():
    committee = MeanOfSoftmax(_networks(0), [0.25, 0.75]).eval()
    with torch.device("meta"):
        empty = MeanOfSoftmax(_networks(1), [0.5, 0.5]).eval()
    empty.load_state_dict(committee.state_dict(), assign=True)
    x = torch.randn(5, 1, 2, 2)
    assert torch.equal(empty(x), committee(x))


def test_an_exported_one_answers_alike():
    committee = MeanOfSoftmax(_networks(0), [0.25, 0.75]).eval()
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(committee, (torch.randn(3, 1, 2, 2),), dynamic_shapes=dynamic).module()
    x = torch.randn(7, 1, 2, 2)
    torch.testing.assert_close(exported(x), committee(x))


@pytest.mark.parametrize("mode", [True, False])
def test_modes_reach_the_networks(mode):
    committee = MeanOfSoftmax(_networks(0), [0.5, 0.5]).train(mode)
    assert all(module.training is mode for module in committee.modules())
