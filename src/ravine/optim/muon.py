"""Muon: momentum, orthogonalized layer by layer."""

from dataclasses import dataclass
from math import prod, sqrt
from typing import Literal

import torch
from torch import Tensor

from ravine.base.layout import Layout, Slot
from ravine.base.ranges import Count, Decay, NonNegative, Positive
from ravine.interfaces import Columns, Rule, Step
from ravine.optim.bias_correction import bias_correction
from ravine.optim.newton_schulz import orthogonalized


@dataclass(frozen=True)
class Muon(Rule):
    """Muon for matrices and convolutions, AdamW for all else.

        m ← μ·m + (1 − μ)·g              u = μ·m + (1 − μ)·g   (with nesterov; else u = m)
        W ← W − lr·f·orthogonalized(U) − lr·λ·W

        original           f = √max(1, rows/columns)
        match_rms_adamw    f = 0.2·√max(rows, columns)

    A convolution [out, in, k, k] counts as a matrix [out, in·k·k]. Biases, norms and (unless `head` says otherwise)
    the last matrix follow AdamW with its own rate, which the same schedule moves.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the second f from Liu et
    al., "Muon is Scalable for LLM Training", 2025, equation (4). Jordan's text has m ← μ·m + g, which is the same up to
    a factor that the orthogonalization takes out.

    Attributes:
        lr: Learning rate of the matrices, > 0.
        momentum: μ, in [0, 1).
        weight_decay: λ, ≥ 0, of weights, under both rules.
        adam_lr: Learning rate of all else, > 0.
        adam_beta1: β₁ of all else, in [0, 1).
        adam_beta2: β₂ of all else, in [0, 1).
        adam_eps: ε of all else, ≥ 0.
        iterations: Rounds of the orthogonalization, ≥ 1.
        nesterov: Whether the momentum looks ahead.
        adjust: The factor f.
        head: The rule of the last matrix.
    """

    lr: Positive = 2e-2
    momentum: Decay = 0.95
    weight_decay: NonNegative = 0.0
    adam_lr: Positive = 3e-4
    adam_beta1: Decay = 0.9
    adam_beta2: Decay = 0.95
    adam_eps: NonNegative = 1e-10
    iterations: Count = 5
    nesterov: bool = True
    adjust: Literal["original", "match_rms_adamw"] = "original"
    head: Literal["adamw", "muon"] = "adamw"

    @property
    def elementwise(self) -> bool:
        """Rows and columns of a matrix mix."""
        return False

    def init(self, p: Tensor, layout: Layout) -> dict[str, Tensor]:
        """Moments at zero; second moments, [K, their number], only where AdamW acts."""
        rest = layout.size - sum(slot.size for slot in self._matrices(layout))
        return {"m": torch.zeros_like(p), "v": p.new_zeros(p.shape[0], rest)}

    def coefficients(self, h: Columns, t: Tensor) -> dict[str, Tensor]:
        """AdamW's scheduled rate, and the corrections 1 / (1 − βᵗ)."""
        corrections = {"correction1": bias_correction(h.adam_beta1, t), "correction2": bias_correction(h.adam_beta2, t)}
        return {**h, **corrections, "adam_lr": h.adam_lr * h.lr / h.peak}

    def step(self, p: Tensor, g: Tensor, s: Columns, c: Columns, layout: Layout) -> Step:
        """One step, slot by slot."""
        penalized = c.penalized.expand(1, p.shape[1])
        matrices, seconds, first, deltas, scales = set(self._matrices(layout)), [], [], [], []
        used = 0
        for slot in layout.slots:
            at = slice(slot.offset, slot.offset + slot.size)
            if slot in matrices:
                m, delta, scale = self._matrix(g[:, at], s.m[:, at], c, slot)
            else:
                m, v, delta, scale = _adam(g[:, at], s.m[:, at], s.v[:, used : used + slot.size], c)
                used += slot.size
                seconds.append(v)
            rate = c.lr if slot in matrices else c.adam_lr
            deltas.append(delta - rate * c.weight_decay * torch.where(penalized[:, at], p[:, at], 0.0))
            scales.append(scale.expand_as(delta))
            first.append(m)
        state = {"m": torch.cat(first, 1), "v": torch.cat([s.v[:, :0], *seconds], 1)}
        return Step(delta=torch.cat(deltas, 1), state=state, scale=torch.cat(scales, 1))

    def _matrices(self, layout: Layout) -> list[Slot]:
        matrices = [slot for slot in layout.slots if slot.kind == "weight" and len(slot.shape) > 1]
        return matrices if self.head == "muon" else matrices[:-1]

    def _matrix(self, g: Tensor, m: Tensor, c: Columns, slot: Slot) -> tuple[Tensor, Tensor, Tensor]:
        rows, columns = slot.shape[0], prod(slot.shape[1:])
        m = m + (1 - c.momentum) * (g - m)
        u = m + (1 - c.momentum) * (g - m) if self.nesterov else m
        factor = sqrt(max(1, rows / columns)) if self.adjust == "original" else 0.2 * sqrt(max(rows, columns))
        orthogonal = orthogonalized(u.reshape(-1, rows, columns), self.iterations).reshape(-1, slot.size)
        return m, -c.lr * factor * orthogonal, c.lr


def _adam(g: Tensor, m: Tensor, v: Tensor, c: Columns) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    m = m + (1 - c.adam_beta1) * (g - m)
    v = v + (1 - c.adam_beta2) * (g * g - v)
    scale = c.adam_lr / (torch.sqrt(c.correction2 * v) + c.adam_eps)
    return m, v, -scale * (c.correction1 * m), scale
