"""The regions of fractional max-pooling along one axis, as sequences of indices.

    overlapping     regions of k entries; α = (n_in − k)/(n_out − 1)
    disjoint        regions that touch; α = n_in/n_out, so that a region has ⌊α⌋ or ⌈α⌉ entries

    pseudorandom    Lⱼ = ⌊(j + u)α⌋ − ⌊uα⌋ with one u ~ U[0, 1)
    random          Lⱼ₊₁ = Lⱼ + dⱼ, where the dⱼ are a shuffled list of ⌊α⌋ and ⌊α⌋ + 1 with the sum that is needed

Source: Graham, "Fractional Max-Pooling", 2014, section 2.1, and its code: `Regions.cu` of SparseConvNet. The code takes
random overlapping regions of exactly ⌊n_in/n_out⌋ + 1 entries; here they may have any k that fits, by the same list.
PyTorch's `fractional_max_pool2d` has the pseudorandom overlapping regions alone, and computes α in the type of its
samples; given those, `regions` gives the same. Where α > k, overlapping regions leave entries out, in all of them.
"""

from typing import Literal

import torch
from torch import Tensor

from ravine.base.errors import PlanError

Mode = Literal["pseudorandom", "random"]
Kind = Literal["overlapping", "disjoint"]


def numbers_needed(n_out: int, mode: Mode, kind: Kind) -> int:
    """How many uniform numbers a sequence of n_out regions takes."""
    if mode == "pseudorandom":
        return 1
    return n_out - 1 if kind == "overlapping" else n_out


def regions(uniform: Tensor, n_in: int, n_out: int, k: int, mode: Mode, kind: Kind) -> tuple[Tensor, Tensor]:
    """The first index of each region and the one after its last.

    Args:
        uniform: Numbers in [0, 1), [N, `numbers_needed`], one row a sequence.
        n_in: Entries of the axis.
        n_out: Regions, at most n_in; as many as there are entries gives each of them alone.
        k: Entries of an overlapping region; at most this many in a disjoint one.
        mode: How the regions are drawn.
        kind: Whether they overlap.

    Returns:
        Two int64 tensors [N, n_out].

    Raises:
        PlanError: No such regions cover the axis.

    Example:
        >>> starts, stops = regions(torch.tensor([[0.5]]), 7, 5, 2, "pseudorandom", "disjoint")
        >>> starts.tolist(), stops.tolist()
        ([[0, 2, 3, 4, 6]], [[2, 3, 4, 6, 7]])
    """
    _check(n_in, n_out, k, kind)
    if n_in == n_out:
        starts = torch.arange(n_in, device=uniform.device).expand(uniform.shape[0], n_in)
        return starts, starts + 1
    spanned, gaps = (n_in - k, n_out - 1) if kind == "overlapping" else (n_in, n_out)
    ticks = _stepped(uniform, spanned, gaps) if mode == "pseudorandom" else _shuffled(uniform, spanned, gaps)
    return (ticks, ticks + k) if kind == "overlapping" else (ticks[:, :-1], ticks[:, 1:])


def _check(n_in: int, n_out: int, k: int, kind: Kind) -> None:
    fits = n_in >= n_out - 1 + k if kind == "overlapping" else n_in <= n_out * k
    if not 1 <= n_out <= n_in or not (fits or n_in == n_out):
        raise PlanError(
            f"{n_out} {kind} regions of {k} entries do not fit an axis of {n_in}. Overlapping regions need at most "
            f"{n_in - k + 1} of them, disjoint ones at least {-(-n_in // k)}; choose another output size or kernel."
        )


def _stepped(u: Tensor, spanned: int, gaps: int) -> Tensor:
    """⌊(j + u)α⌋ − ⌊uα⌋ for j = 0 … gaps; the last is the whole span, whatever rounding does to it."""
    if gaps == 0:
        return torch.full((u.shape[0], 1), spanned, device=u.device)
    alpha = spanned / gaps
    j = torch.arange(gaps, dtype=u.dtype, device=u.device)
    ticks = ((j + u) * alpha).to(torch.int64) - (u * alpha).to(torch.int64)
    return torch.cat([ticks, ticks.new_full((u.shape[0], 1), spanned)], dim=1)


def _shuffled(uniform: Tensor, spanned: int, gaps: int) -> Tensor:
    """The sums of a list of ⌊α⌋ and ⌊α⌋ + 1, in an order that the uniform numbers' ranks give."""
    step, more = divmod(spanned, gaps) if gaps else (0, 0)
    steps = torch.full((gaps,), step, device=uniform.device)
    steps[gaps - more :] += 1
    ticks = steps[uniform.argsort(dim=1)].cumsum(1)
    first = spanned if gaps == 0 else 0
    return torch.cat([ticks.new_full((uniform.shape[0], 1), first), ticks], dim=1)
