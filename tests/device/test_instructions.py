"""Who computes with bfloat16."""

from pathlib import Path

import pytest
import torch

from ravine.device import instructions
from ravine.device.instructions import has_bfloat16


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512_bf16\n", True),
        ("flags : fpu amx_bf16 amx_tile\n", True),
        ("Features : fp asimd bf16\n", True),
        ("flags : fpu avx2 avx512f\n", False),
        ("processor : 0\n", False),
    ],
)
def test_a_cpu_is_asked_for_its_flags(text: str, answer: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    monkeypatch.setattr(instructions, "CPU_INFO", tmp_path / "cpuinfo")
    assert has_bfloat16("cpu") is answer


def test_where_nobody_says_the_answer_is_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "CPU_INFO", tmp_path / "nowhere")
    assert not has_bfloat16("cpu")


def test_without_a_gpu_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not has_bfloat16("cuda")
