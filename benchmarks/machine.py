"""What the times were measured on, in one line."""

import os

import torch

from ravine.device.machine import describe


def machine() -> str:
    """Processor, cores, torch, and how busy the machine was when the benchmark began."""
    found = describe("cpu")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{found['processor']}, {found['cores']} cores, torch {torch.__version__}, {found['system']}{load}"
