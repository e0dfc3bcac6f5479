"""Programs made of a small tapped body: they answer as it does."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ravine.models.backbone import Backbone
from ravine.transfer import programs as made
from ravine.transfer.engine import Candidate, agree
from ravine.transfer.programs import eager, programs, without_norms
from ravine.transfer.taps import Taps, tap


def _taps() -> Taps:
    torch.manual_seed(0)
    return tap(Backbone("test_resnet", "random").load_pretrained(), 32)


SAMPLE = torch.randn(4, 3, 32, 32)


def _named(candidates: list[Candidate], name: str) -> Candidate:
    return next(one for one in candidates if one.name == name)


def test_the_compiled_program_fills_up_small_batches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    taps = _taps()
    seen: list[int] = []

    def compile_(network: Taps, *, dynamic: bool) -> object:
        assert not dynamic

        def call(pictures: torch.Tensor) -> torch.Tensor:
            seen.append(len(pictures))
            return network(pictures)

        return call

    monkeypatch.setattr(torch, "compile", compile_)
    answer = _named(programs(taps, SAMPLE, tmp_path / "a.onnx"), "compiled").make()
    assert torch.allclose(answer(SAMPLE[:3]), eager(taps)(SAMPLE[:3]), atol=1e-5)
    assert answer(SAMPLE).shape == (4, sum(taps.widths))
    assert seen == [4, 4]


def test_norms_are_folded_where_the_answers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    taps = _taps()
    expected = eager(taps)(SAMPLE)
    found = without_norms(taps, SAMPLE, taps.columns)(SAMPLE)
    assert not torch.equal(found, expected)
    assert agree(found, expected, taps.columns)
    monkeypatch.setattr(made, "folded", lambda _: _taps().apply(_halve))
    assert torch.equal(without_norms(taps, SAMPLE, taps.columns)(SAMPLE), expected)


def _halve(module: nn.Module) -> None:
    for parameter in module.parameters(recurse=False):
        parameter.data /= 2


def test_an_exported_file_is_awaited_for_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(made, "find_spec", lambda _: True)
    taps, path = _taps(), tmp_path / "a.onnx"
    assert _named(programs(taps, SAMPLE, path), "onnx runtime").seconds == made.EXPORT_SECONDS
    path.write_bytes(b"")
    assert _named(programs(taps, SAMPLE, path), "onnx runtime").seconds == made.LOAD_SECONDS


def test_without_the_packages_onnx_runtime_is_no_candidate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(made, "find_spec", lambda name: None if name == "onnxruntime" else True)
    assert [one.name for one in programs(_taps(), SAMPLE, tmp_path / "a.onnx")] == ["compiled"]


@pytest.mark.filterwarnings("ignore")
def test_onnx_runtime_answers_as_the_body_and_its_file_is_kept(tmp_path: Path) -> None:
    for name in made.NEEDED:
        pytest.importorskip(name)
    taps, path = _taps(), tmp_path / "deep" / "a.onnx"
    answer = _named(programs(taps, SAMPLE, path), "onnx runtime").make()
    assert agree(answer(SAMPLE[:3]), eager(taps)(SAMPLE[:3]), taps.columns)
    content = path.read_bytes()
    again = _named(programs(taps, SAMPLE, path), "onnx runtime").make()
    assert torch.equal(again(SAMPLE), answer(SAMPLE))
    path.write_bytes(content[:100])
    mended = _named(programs(taps, SAMPLE, path), "onnx runtime").make()
    assert torch.equal(mended(SAMPLE), answer(SAMPLE))
    assert len(path.read_bytes()) == len(content)
    assert not list(path.parent.glob("*.part"))
