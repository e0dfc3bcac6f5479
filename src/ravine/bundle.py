"""The model file: one safetensors file whose header carries JSON; reading it never runs code.

Tensors are the parameters and buffers of the network under their own names. The JSON under the key "ravine" holds the
classes, the way pixels become tensors, the architecture, the temperature, the plan, and the scores.
"""

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import nn

from ravine.base.errors import BundleError, OutputError, PlanError
from ravine.data.decode import decode
from ravine.data.given import Picture, named
from ravine.data.preprocess import Preprocess
from ravine.data.workers import Advance
from ravine.ensemble.committee import Committee, EachMember, answering, log_mean_of_softmax
from ravine.ensemble.disagreement import Disagreement, disagreement
from ravine.models.taps import tapped_alike
from ravine.plan.members import of_members
from ravine.plan.plan import Plan
from ravine.plan.toml import loads
from ravine.stats.calibration import probabilities
from ravine.train.evaluate import Pixels, direct, logits, shares
from ravine.train.techniques import MemberTechniques

FORMAT = 2
KEY = "ravine"


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        name: The path, or the place in the list where an array was given.
        label: The most probable class.
        confidence: Its probability.
        probabilities: Every class with its probability, in the model's order.
        disagreement: Of an ensemble, how far its members differ: the mutual information between answer and member, in
            nats, 0 where all agree; None for a single network.
    """

    name: str
    label: str
    confidence: float
    probabilities: dict[str, float]
    disagreement: float | None = None

    def facts(self) -> dict[str, Any]:
        """As plain values, for JSON; without a disagreement where there is none."""
        said = {"path": self.name, "label": self.label, "confidence": self.confidence}
        uncertain = {} if self.disagreement is None else {"disagreement": self.disagreement}
        return {**said, **uncertain, "probabilities": self.probabilities}


@dataclass(frozen=True, eq=False)
class Model:
    """A trained classifier with everything that it needs to read pictures.

    Attributes:
        network: From float pictures to logits, in evaluation mode.
        classes: The names, in the order of the logits.
        picture: How pixels become tensors.
        temperature: What logits are divided by.
        plan: The plan that led to it, as TOML.
        scores: The measures on test pictures, as plain numbers.
        versions: The packages it was made with.
        members: Which member of the plan each network inside belongs to, from 0.
    """

    network: nn.Module
    classes: tuple[str, ...]
    picture: Preprocess
    temperature: float
    plan: str
    scores: dict[str, Any]
    versions: dict[str, str]
    members: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        """One memory format and mode, so that a model answers alike before and after it is saved."""
        self.network.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def predict(self, images: Iterable[Picture] | Picture) -> list[Prediction]:
        """Classify pictures.

        Args:
            images: Paths of pictures or folders, PIL images, or uint8 arrays [H, W] or [H, W, 3]; one, or several.

        Returns:
            One prediction a picture, in order.

        Raises:
            SourceError: A path does not exist, or a picture cannot be decoded.
        """
        names, pictures = named(images)
        z, differ = self.said(lambda index: decode(pictures[index]).pixels, np.arange(len(pictures)))
        rows = probabilities(z, self.temperature)
        uncertain = differ.mutual_information.tolist() if differ else [None] * len(rows)
        return [self._prediction(*one) for one in zip(names, rows, uncertain, strict=True)]

    def said(
        self,
        pixels: Pixels,
        indices: NDArray[np.int64],
        advance: Advance | None = None,
    ) -> tuple[NDArray[np.float32], Disagreement | None]:
        """Logits [N, C], before the temperature; and how far the members of an ensemble disagree, None for one network.

        Args:
            pixels: Gives a decoded picture, uint8 [H, W, 3], by its number.
            indices: Which pictures.
            advance: Called with the number of pictures done.
        """
        if not isinstance(self.network, Committee):
            return self._answers(self.network, pixels, indices, advance), None
        each, votes = self._answers(EachMember(self.network), pixels, indices, advance), self.network.votes.cpu()
        together = log_mean_of_softmax(torch.from_numpy(each).transpose(0, 1), votes)
        return together.numpy(), disagreement(each, votes.numpy())

    def _answers(
        self, network: nn.Module, pixels: Pixels, indices: NDArray[np.int64], advance: Advance | None
    ) -> NDArray[np.float32]:
        """By shares of each core, unless there are few pictures, or modules could draw while they answer."""
        read = pixels, indices, self.picture, next(network.parameters()).device, advance
        draws = any(hasattr(module, "test_draws") for module in network.modules())
        if draws or len(indices) < torch.get_num_threads():
            return logits(network, direct(*read))
        return np.concatenate(list(shares(network.eval(), *read))).astype(np.float32, copy=False)

    def save(self, path: Path) -> None:
        """Write the model file.

        Raises:
            OutputError: It cannot be written there.
        """
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        header = {
            "format": FORMAT,
            "classes": list(self.classes),
            "temperature": self.temperature,
            "plan": self.plan,
            "members": list(self.members),
            "scores": self.scores,
            "versions": self.versions,
        }
        header["sha256"] = _digest(header, state)
        data = save(state, metadata={KEY: json.dumps(header, sort_keys=True, allow_nan=False)})
        unfinished = path.with_name(path.name + ".part")
        try:
            unfinished.write_bytes(data)
            unfinished.replace(path)
        except OSError as wrong:
            unfinished.unlink(missing_ok=True)
            raise OutputError(
                f"The model cannot be written to {path}: {wrong.strerror}. Choose another folder."
            ) from wrong

    def _prediction(self, name: str, row: NDArray[np.float64], uncertain: float | None) -> Prediction:
        best = int(row.argmax())
        by_class = dict(zip(self.classes, row.tolist(), strict=True))
        return Prediction(name, self.classes[best], float(row[best]), by_class, uncertain)


def load(path: str | Path) -> Model:
    """Read a model file that `fit` wrote.

    Args:
        path: The file.

    Returns:
        The model, on the CPU.

    Raises:
        BundleError: The file is missing, damaged, or not one of ours.
    """
    path = Path(path)
    header, state = _read(path)
    try:
        _check(header)
        plan = loads(header["plan"], f"the plan in {path}")
        network = _network(plan, header["members"], len(header["classes"]), state)
        network.load_state_dict(state, assign=True)
        return Model(
            network=network,
            classes=tuple(header["classes"]),
            picture=plan.picture,
            temperature=float(header["temperature"]),
            plan=header["plan"],
            members=tuple(header["members"]),
            scores=header["scores"],
            versions=header["versions"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, PlanError) as wrong:
        raise BundleError(f"{path} is damaged, or was written by another version of Ravine: {wrong}") from wrong


def _network(plan: Plan, members: Sequence[int], classes: int, state: dict[str, torch.Tensor]) -> nn.Module:
    """Everything that answers, with numbers still to come: the votes of networks too."""
    with torch.device("meta"):
        if plan.transfer == "depth":
            return _at_depths(plan, classes, state["head.weight"].shape[1])
        network = answering([_member(plan, member, classes) for member in members], [1 / len(members)] * len(members))
        return plan.ensemble.finish(network) if plan.ensemble else network


def _at_depths(plan: Plan, classes: int, width: int) -> nn.Module:
    """A tapped body and the head that reads its features, so many in all."""
    body = plan.model.build(plan.picture.channels, plan.picture.size, classes).get_submodule("body").eval()
    taps = tapped_alike(body, plan.picture.size, width)
    return nn.Sequential(OrderedDict(body=taps, head=nn.Linear(width, classes)))


def _member(plan: Plan, member: int, classes: int) -> nn.Module:
    techniques = MemberTechniques(plan.seed + member, [of_members(part, [member]) for part in plan.techniques])
    network = plan.model.build(plan.picture.channels, plan.picture.size, classes)
    return techniques.finished(techniques.installed(network))


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    if not path.is_file():
        raise BundleError(f"There is no model file at {path}. Give the model.ravine that `ravine fit` wrote.")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[KEY])
        state = load_file(path)
        if header.get("format") == FORMAT and header.pop("sha256", "") != _digest(header, state):
            raise ValueError("its checksum does not fit its contents")
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError, AttributeError) as wrong:
        raise BundleError(
            f"{path} is not a model file of Ravine, or is damaged ({wrong}). Give the file that `ravine fit` wrote."
        ) from wrong
    if header.get("format") != FORMAT:
        raise BundleError(
            f"{path} has format {header.get('format')}; this version reads {FORMAT}. Fit the model again."
        )
    return header, state


def _digest(header: dict[str, Any], state: dict[str, torch.Tensor]) -> str:
    """SHA-256 over the header and all tensors, so that a changed bit is seen."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check(header: dict[str, Any]) -> None:
    classes, temperature = header["classes"], header["temperature"]
    if not all(isinstance(name, str) for name in classes) or len(set(classes)) != len(classes):
        raise ValueError(f"its classes are {classes}")
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"its temperature is {temperature}")
