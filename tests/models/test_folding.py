"""Batch norms folded into convolutions: the same answers, with fewer steps."""

import pytest
import torch
from torch import Tensor, nn

from ravine.models.backbone import Backbone
from ravine.models.folding import folded
from ravine.models.taps import Taps
from ravine.transfer.taps import tap


def _unlike(body: nn.Module) -> nn.Module:
    """Statistics and scales of batch norms that do something."""
    generator = torch.Generator().manual_seed(1)
    for norm in body.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor, low in ((norm.weight, 0.5), (norm.bias, -1.0), (norm.running_mean, -1.0)):
                tensor.data.copy_(low + torch.rand(tensor.shape, generator=generator))
            norm.running_var.data.copy_(0.5 + torch.rand(norm.running_var.shape, generator=generator))
    return body.eval()


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet", "tf_efficientnet_lite0"])
def test_bodies_of_timm_answer_the_same_without_their_norms(name: str) -> None:
    torch.manual_seed(0)
    body = _unlike(Backbone(name, "random").load_pretrained()).double()
    x = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    without = folded(body)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in without.modules())
    assert torch.allclose(without(x), body(x), rtol=1e-9, atol=1e-9)
    assert all(torch.equal(tensor, before[name]) for name, tensor in body.state_dict().items())


def test_taps_see_the_same_maps() -> None:
    torch.manual_seed(0)
    taps = tap(_unlike(Backbone("test_resnet", "random").load_pretrained()), 32)
    without = folded(taps)
    assert isinstance(without, Taps)
    x = torch.randn(2, 3, 32, 32)
    assert torch.allclose(without(x), taps(x), atol=1e-5)


class _Reading(nn.Module):
    """A convolution whose output is read twice, one that is called twice, and a norm without convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(3) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        y = y + self.norms[0](y)
        y = self.norms[1](self.second(self.second(y)))
        return self.norms[2](torch.relu(y))


def test_a_norm_stays_where_it_cannot_go() -> None:
    torch.manual_seed(0)
    body = _unlike(_Reading())
    x = torch.randn(2, 3, 4, 4)
    without = folded(body)
    assert torch.equal(without(x), body(x))
    assert sum(isinstance(one, nn.BatchNorm2d) for one in without.modules()) == 3


class _Standardized(nn.Conv2d):
    """A convolution that does not compute with its weights as they are."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight - self.weight.mean(), self.bias)


def _watched() -> nn.Conv2d:
    convolution = nn.Conv2d(3, 3, 1)
    convolution.register_forward_hook(lambda _, __, out: out + 1)
    return convolution


@pytest.mark.parametrize("convolution", [_Standardized(3, 3, 1), _watched(), nn.ConvTranspose2d(3, 3, 1)])
def test_other_convolutions_keep_their_norms(convolution: nn.Module) -> None:
    body = nn.Sequential(convolution, nn.BatchNorm2d(3)).eval()
    assert folded(body) is body


def test_a_norm_without_statistics_stays() -> None:
    body = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)).eval()
    assert folded(body) is body
    parametrized = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 1)), nn.BatchNorm2d(3)).eval()
    assert folded(parametrized) is parametrized


class _Choosing(nn.Module):
    """What it does depends on its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.parts(x) if x.mean() > 0 else x


def test_a_body_whose_steps_cannot_be_recorded_stays() -> None:
    body = _Choosing().eval()
    assert folded(body) is body
