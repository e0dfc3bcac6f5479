"""The programs that could carry out a frozen body faster than eager PyTorch does, and what to expect of them."""

import importlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ravine.models.folding import folded
from ravine.transfer.engine import Answer, Candidate, agree

LOAD_SECONDS, EXPORT_SECONDS, COMPILE_SECONDS = 1.0, 15.0, 45.0
EXPORTED_SPEED_UP, COMPILED_SPEED_UP = 1.8, 1.1
"""EfficientNet-Lite0 on two cores, each with 4 pictures at a time, pictures a second: eager PyTorch 110, with folded
batch norms 131, ONNX Runtime 220. Tapped, on one core of a busy machine: eager PyTorch 52, compiled 63 (after 48 s).
Exporting took 10 s on a quiet machine."""

NEEDED = ("onnx", "onnxscript", "onnxruntime")


def programs(network: nn.Module, sample: Tensor, exported: Path) -> list[Candidate]:
    """What could be made of a network.

    Args:
        network: In evaluation mode.
        sample: Pictures [n, C, S, S], where the network is.
        exported: Where its ONNX file is, or would be kept. The name must belong to this network alone.
    """
    found = []
    if sample.device.type == "cpu" and all(find_spec(name) for name in NEEDED):
        wait = LOAD_SECONDS if exported.is_file() else EXPORT_SECONDS
        found.append(Candidate("onnx runtime", wait, EXPORTED_SPEED_UP, lambda: _runtime(network, sample, exported)))
    found.append(Candidate("compiled", COMPILE_SECONDS, COMPILED_SPEED_UP, lambda: _compiled(network, len(sample))))
    return found


def eager(network: nn.Module) -> Answer:
    """The network itself, without a record for gradients."""

    def answer(pictures: Tensor) -> Tensor:
        with torch.inference_mode():
            return network(pictures)

    return answer


def without_norms(network: nn.Module, sample: Tensor, columns: Sequence[slice] = (slice(None),)) -> Answer:
    """The network with batch norms folded into convolutions, where it then answers alike; else the network itself.

    Args:
        network: In evaluation mode.
        sample: Pictures [n, C, S, S], where the network is.
        columns: Groups of features that must each agree.
    """
    plain, light = eager(network), eager(folded(network))
    return light if agree(light(sample), plain(sample), columns) else plain


def _compiled(network: nn.Module, batch: int) -> Answer:
    """Compiled for one size of batch; smaller ones are filled up."""
    compiled: Callable[[Tensor], Tensor] = torch.compile(network, dynamic=False)

    def answer(pictures: Tensor) -> Tensor:
        missing = batch - len(pictures)
        whole = torch.cat([pictures, pictures[:1].expand(missing, -1, -1, -1)]) if missing else pictures
        with torch.inference_mode():
            return compiled(whole.contiguous(memory_format=torch.channels_last))[: len(pictures)]

    return answer


def _runtime(network: nn.Module, sample: Tensor, exported: Path) -> Answer:
    """A session of ONNX Runtime on the kept file, or on a new one."""
    try:
        session = _session(exported.read_bytes())
    except Exception:  # no file, or one that the runtime cannot read
        session = _session(_export(network, sample, exported))
    name = session.get_inputs()[0].name

    def answer(pictures: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {name: pictures.contiguous().numpy()})[0])

    return answer


def _session(content: bytes) -> Any:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _export(network: nn.Module, sample: Tensor, path: Path) -> bytes:
    """The network as an ONNX file for any number of pictures; kept where that can be written."""
    with torch.no_grad(), redirect_stdout(StringIO()):
        program: Any = torch.onnx.export(
            network,
            (sample[:2].contiguous(),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("pictures")},),
            external_data=False,
            verbose=False,
        )
    content = program.model_proto.SerializeToString()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(".part", path.stem, path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except OSError:  # no place or no right to write there
        return content
    return content
