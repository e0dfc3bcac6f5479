import numpy as np
import pytest
import torch
from torch import nn

from ravine.base.errors import PlanError
from ravine.ensemble.test_time import MeanOverViews, Views, seen, views


class Symmetric(nn.Module):
    """Answers from the columns' sum and its mirror image alike."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        columns = x.mean(dim=(1, 2))
        return columns + columns.flip(-1)


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4 * 4, 3)).eval()


def test_views_of_a_network_that_is_symmetric_change_nothing():
    x = torch.randn(5, 2, 6, 6, dtype=torch.float64)
    network = Views(shift=0, mirror=True).finish(Symmetric())
    torch.testing.assert_close(network(x), torch.log_softmax(Symmetric()(x), 1), rtol=1e-12, atol=1e-12)


def test_shifts_of_a_plain_picture_change_nothing():
    x = torch.randn(5, 2, 1, 1).expand(-1, -1, 6, 6).contiguous()
    network = _network()
    for tested in (Views(shift=2), Views(shift=3, mirror=True)):
        torch.testing.assert_close(tested.finish(network)(x), torch.log_softmax(network(x), 1))


@pytest.mark.parametrize("view", views(2, mirror=True))
def test_views_against_numpy(view):
    x = np.random.default_rng(0).normal(size=(3, 2, 5, 7))
    down, right, mirrored = view
    rows, columns = np.clip(np.arange(5) - down, 0, 4), np.clip(np.arange(7) - right, 0, 6)
    expected = x[:, :, rows][:, :, :, columns]
    got = seen(torch.from_numpy(x), view).numpy()
    np.testing.assert_array_equal(got, expected[..., ::-1] if mirrored else expected)


def test_the_mean_of_the_softmaxes_of_all_views():
    x, network = torch.randn(4, 2, 6, 6), _network()
    answers = Views(shift=1, mirror=True).finish(network)
    assert isinstance(answers, MeanOverViews)
    expected = torch.stack([torch.softmax(network(seen(x, view)), 1) for view in views(1, True)]).mean(0)
    torch.testing.assert_close(answers(x).exp(), expected)
    assert answers.members(x).shape == (10, 4, 3)
    assert torch.equal(answers(x), answers(x))


def test_which_views():
    assert views(0, False) == [(0, 0, False)]
    assert len(views(3, False)) == 5
    assert len(set(views(3, True))) == 10


def test_one_view_is_refused():
    with pytest.raises(PlanError, match="one view only"):
        Views(shift=0)


def test_it_changes_answers():
    x, network = torch.randn(4, 2, 6, 6), _network()
    assert not torch.allclose(Views().finish(network)(x), torch.log_softmax(network(x), 1), atol=1e-3)


def test_an_exported_one_answers_alike():
    network = Views(shift=1, mirror=True).finish(_network())
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(network, (torch.randn(3, 2, 6, 6),), dynamic_shapes=dynamic).module()
    x = torch.randn(5, 2, 6, 6)
    torch.testing.assert_close(exported(x), network(x))
