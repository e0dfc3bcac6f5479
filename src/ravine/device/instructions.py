"""Whether a device computes with bfloat16 numbers, or would only imitate them."""

from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""As Linux names them: AVX-512 and AMX on x86, and the extension of Arm."""


def has_bfloat16(device: torch.device | str) -> bool:
    """Whether the device has instructions for products of bfloat16 numbers.

    A CPU without them computes such products dozens of times slower than those of float32 (PyTorch issue 146508). It
    is asked through Linux; elsewhere the answer for a CPU is no.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(BFLOAT16_FLAGS & _cpu_flags())


def _cpu_flags() -> set[str]:
    try:
        text = CPU_INFO.read_text(encoding="utf-8")
    except OSError:
        return set()
    for line in text.splitlines():
        name, _, words = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return set(words.split())
    return set()
