"""A body in two parts: together they answer what the whole does, under the names of the whole."""

import pytest
import torch
from torch import Tensor, nn

from ravine.base.errors import PlanError
from ravine.models.backbone import Backbone
from ravine.transfer.divide import divide, stage_ends, stages_of

BODIES = ("test_resnet", "test_convnext", "test_efficientnet", "test_byobnet", "test_mambaout")


def _body(name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Backbone(name, "random").load_pretrained()


def _pictures(size: int = 64) -> Tensor:
    return torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("transfer", ["last1", "last2"])
@pytest.mark.parametrize("name", BODIES)
def test_both_parts_together_answer_what_the_body_answers(name: str, transfer: str) -> None:
    body = _body(name)
    divided = divide(body, transfer, 64)
    assert divided.prefix is not None
    with torch.no_grad():
        assert torch.equal(divided.suffix(divided.prefix(_pictures())), body(_pictures()))


@pytest.mark.parametrize("name", BODIES)
def test_the_parts_share_the_parameters_of_the_body_under_its_names(name: str) -> None:
    body = _body(name)
    divided = divide(body, "last2", 64)
    assert divided.prefix is not None
    before, after = (dict(part.named_parameters()) for part in (divided.prefix, divided.suffix))
    whole = dict(body.named_parameters())
    assert not set(before) & set(after)
    assert set(before) | set(after) == set(whole)
    assert all(whole[name] is parameter for name, parameter in after.items())
    assert set(divided.depths) == set(after)


def test_stages_count_from_the_head() -> None:
    body = _body("test_resnet")
    assert stage_ends(body) == ["act1", "layer1", "layer2", "layer3", "layer4"]
    depths = divide(body, "all", 64).depths
    names = ("conv1.0", "layer1.0.conv1", "layer2.0.conv1", "layer3.0.conv1", "layer4.0.conv1")
    assert [depths[f"{name}.weight"] for name in names] == [5, 4, 3, 2, 1]
    assert {depth for name, depth in divide(body, "last1", 64).depths.items()} == {1}
    assert set(depths) == {name for name, _ in body.named_parameters()}


def test_what_follows_the_last_stage_belongs_to_it() -> None:
    body = _body("test_efficientnet")
    depths = divide(body, "last1", 64).depths
    assert depths["conv_head.weight"] == 1
    assert {name.split(".")[0] for name in depths} == {"blocks", "conv_head", "bn2"}
    assert stages_of(body, stage_ends(body))["conv_stem.weight"] == 0


def test_all_has_no_frozen_part() -> None:
    body = _body("test_convnext")
    divided = divide(body, "all", 64)
    assert divided.prefix is None
    assert divided.suffix is body


def test_a_body_whose_steps_depend_on_the_pictures_can_be_trained_as_a_whole() -> None:
    with pytest.raises(PlanError, match=r"cannot be cut after blocks.4: its steps cannot be recorded .*transfer=all"):
        divide(_body("test_vit"), "last1", 160)
    assert divide(_body("test_vit"), "all", 160).prefix is None


class _Odd(nn.Module):
    """Two stages in a row, with features of each."""

    def __init__(self, *stages: str) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.Conv2d(3, 3, 1) for _ in range(3))
        self.feature_info = [{"module": name} for name in stages]

    def forward_intermediates(self, x: Tensor) -> None: ...

    def forward_head(self, x: Tensor) -> None: ...


class _Skipping(_Odd):
    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x)
        return (self.three(self.two(y)) + y).mean((2, 3))


class _Branching(_Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.three(self.two(self.one(x))).mean((2, 3)) if x.sum() > 0 else x.mean((2, 3))


class _Twice(_Odd):
    def forward(self, x: Tensor) -> Tensor:
        return self.three(self.two(self.two(self.one(x)))).mean((2, 3))


class _Flat(_Odd):
    def forward(self, x: Tensor) -> Tensor:
        y = self.two(self.one(x))
        return self.three(y).mean((2, 3))


@pytest.mark.parametrize(
    ("body", "transfer", "message"),
    [
        (_Branching("one", "two", "three"), "last1", "its steps cannot be recorded"),
        (_Skipping("one", "two", "three"), "last1", "cannot be cut after two: 2 values go on"),
        (_Twice("one", "two", "three"), "last1", "which it calls 2 times"),
        (_Flat("two", "three"), "last2", "has 2 stages, too few for transfer=last2"),
        (nn.Conv2d(3, 3, 1), "last1", "timm does not say where its stages end"),
    ],
)
def test_what_cannot_be_divided_says_why(body: nn.Module, transfer: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        divide(body.eval(), transfer, 8)


def test_a_plain_body_can_be_divided() -> None:
    divided = divide(_Flat("one", "two", "three").eval(), "last1", 8)
    assert sorted(divided.depths) == ["three.bias", "three.weight"]
