"""Conjugate gradients on the Newton equations of many members at once, stopped early.

    H d = −g, from d₀ = 0;   stop when ‖H d + g‖ ≤ η ‖g‖, or at a direction p with pᵀHp ≤ 0

Source: J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition (2006): algorithm 5.3 (preconditioned), and the
inner loop of algorithm 7.1 (line search Newton–CG), which answers −g where the very first direction has no positive
curvature, and the point reached where a later one has none. Here that −g is given the length that a curvature of the
same size, but positive, would give it, so that the scale of the loss changes nothing.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ravine.optim.second_order.rows import dots

Product = Callable[[Tensor, Tensor], Tensor]
"""(places int64 [a], vectors [a, P]) → the matrix of each of these members times its vector."""


def conjugate_gradients(
    product: Product, gradient: Tensor, tolerance: Tensor, most: int, diagonal: Tensor | None = None
) -> tuple[Tensor, NDArray[np.int64]]:
    """Solve H d = −g for k members, each to its own tolerance.

    Args:
        product: Multiplies the matrices of some members.
        gradient: g [k, P].
        tolerance: η [k], relative to ‖g‖.
        most: Most products a member.
        diagonal: A positive preconditioner [k, P]; None for none.

    Returns:
        The directions [k, P], and the products that each cost [k].
    """
    scale = torch.ones_like(gradient) if diagonal is None else 1 / diagonal
    d, r = torch.zeros_like(gradient), gradient.clone()
    z = scale * r
    p, rz = -z, dots(r, z)
    limit = tolerance * dots(gradient, gradient).sqrt()
    spent = np.zeros(len(gradient), np.int64)
    places = torch.arange(len(gradient), device=gradient.device)
    for turn in range(most):
        spent[places.cpu().numpy()] += 1
        hp = product(places, p[places])
        curvature = dots(p[places], hp)
        bent = curvature > torch.finfo(p.dtype).eps * dots(p[places], p[places]).sqrt() * dots(hp, hp).sqrt()
        if turn == 0:
            length = (rz[places] / curvature.abs()).nan_to_num(posinf=1.0)[:, None]
            d[places[~bent]] = (length * p[places])[~bent]
        places, hp, curvature = places[bent], hp[bent], curvature[bent]
        if len(places) == 0:
            break
        alpha = (rz[places] / curvature)[:, None]
        d[places] += alpha * p[places]
        r[places] += alpha * hp
        places = places[dots(r[places], r[places]).sqrt() > limit[places]]
        if len(places) == 0:
            break
        z[places] = scale[places] * r[places]
        fresh = dots(r[places], z[places])
        p[places] = (fresh / rz[places])[:, None] * p[places] - z[places]
        rz[places] = fresh
    return d, spent
