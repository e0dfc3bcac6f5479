"""Taps against forward hooks, and what cannot be tapped."""

import pytest
import torch
from torch import Tensor, nn

from ravine.base.errors import PlanError
from ravine.models.backbone import Backbone
from ravine.transfer.taps import Taps, tap, tapped


def _body(name: str) -> nn.Module:
    torch.manual_seed(0)
    return Backbone(name, "random").load_pretrained()


@pytest.mark.parametrize(
    ("name", "size", "widths"),
    [
        ("test_resnet", 48, (32, 32, 48, 192, 96)),
        ("test_efficientnet", 48, (16, 24, 32, 48, 64, 256)),
        ("test_convnext", 48, (24, 32, 48, 64, 64)),
        ("test_vit", 160, (64, 64, 64, 64, 64, 64)),
        ("resnet18", 32, (64, 64, 128, 256, 512)),
    ],
)
def test_widths_and_the_last_tap(name: str, size: int, widths: tuple[int, ...]) -> None:
    body = _body(name)
    taps = tap(body, size)
    assert taps.widths == widths
    assert taps.names == (*(f"stage {place}" for place in range(1, len(widths))), "last")
    pictures = torch.randn(2, 3, size, size)
    with torch.no_grad():
        features = taps(pictures)
        expected = body(pictures)
    assert features.shape == (2, sum(widths))
    assert torch.allclose(features[:, taps.columns[-1]], expected, atol=1e-5)
    assert not taps.training


def test_every_stage_is_the_mean_of_what_its_module_answers() -> None:
    body = _body("test_efficientnet")
    taps = tap(body, 48)
    caught: list[Tensor] = []
    for name in taps.modules_of[:-1]:
        body.get_submodule(name).register_forward_hook(lambda _module, _given, answer: caught.append(answer))
    pictures = torch.randn(3, 3, 48, 48)
    with torch.no_grad():
        body(pictures)
        means = [answer.mean((2, 3)) for answer in caught]
        features = taps(pictures)
    assert len(means) == 5
    for mean, columns in zip(means, taps.columns, strict=False):
        assert torch.allclose(features[:, columns], mean, atol=1e-6)


def test_stages_of_a_deep_body_are_evenly_spread() -> None:
    assert tap(_body("vit_tiny_patch16_224"), 224).modules_of == (
        "blocks.0",
        "blocks.3",
        "blocks.6",
        "blocks.8",
        "blocks.11",
        "",
    )


def test_a_network_without_stages_is_refused() -> None:
    with pytest.raises(PlanError, match="timm does not say where its stages end"):
        tap(nn.Sequential(nn.Linear(3, 3)), 8)


def test_a_size_that_the_body_does_not_take_is_refused() -> None:
    with pytest.raises(PlanError, match="gave no features of pictures of 100 pixels"):
        tap(_body("test_vit"), 100)


def test_what_cannot_be_tapped_stays_as_it_is() -> None:
    plain = nn.Sequential(nn.Linear(3, 3))
    assert tapped(plain, 8) == (plain, slice(None))
    network, last = tapped(_body("test_resnet"), 48)
    assert isinstance(network, Taps)
    assert last == network.columns[-1]
