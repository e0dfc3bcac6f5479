"""Ridge heads: every penalty from one eigendecomposition, and what each would say of pictures it had not seen.

minimize over W, b:   (1/N) Σᵢ ‖W xᵢ + b − e_yᵢ‖²  +  λ ‖W‖²

With centred features X = U S Vᵀ the smoother of every λ is H = 11ᵀ/N + U diag(s² / (s² + Nλ)) Uᵀ, and the answer to a
picture that was left out of the fit is y − (y − ŷ) / (1 − h). A set B of copies is left out together:
y_B − (I − H_BB)⁻¹ (y − ŷ)_B.

Source: R. D. Cook and S. Weisberg, Residuals and Influence in Regression (1982), section 2.2 (leaving one or several
rows out); G. H. Golub, M. Heath and G. Wahba, Technometrics 21 (1979) 215–223 (ridge).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ravine.base.errors import PlanError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeHeads:
    """L ridge regressions on one-hot classes, one a penalty.

    Attributes:
        penalties: λ, [L].
        weight: [L, C, D].
        bias: [L, C].
        left_out: What each says of a picture when that picture, and its copies, are left out of the fit, [L, N, C].
        accuracy: The share of pictures whose greatest left-out score is that of their class, [L].
        best: The place of the greatest accuracy; of equal ones, the strongest penalty.
    """

    penalties: Floats
    weight: Floats
    bias: Floats
    left_out: Floats
    accuracy: Floats
    best: int


def fit_ridge(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    classes: int,
    penalties: Floats,
    blocks: NDArray[np.int64] | None = None,
) -> RidgeHeads:
    """Fit a ridge head for each penalty.

    Args:
        features: [N, D], N at least 2.
        labels: [N], class numbers.
        classes: C.
        penalties: λ, [L], above 0; N λ is what scikit-learn calls alpha.
        blocks: [N]; pictures with one number are left out together. Each picture alone if not given.

    Raises:
        PlanError: A penalty is not above 0, or all pictures are one block.

    Example:
        >>> x, y = np.array([[1.0], [2.0], [-1.0], [-2.0]]), np.array([0, 0, 1, 1])
        >>> fit_ridge(x, y, 2, np.array([0.1])).accuracy
        array([1.])
    """
    if not (penalties > 0).all():
        raise PlanError(f"The penalties {penalties.tolist()} must all be above 0.")
    x, targets = features.astype(np.float64), np.eye(classes)[labels]
    centre, mean = x.mean(0), targets.mean(0)
    weights, answers = _solved(
        x - centre, targets, penalties, _together(np.arange(len(x)) if blocks is None else blocks)
    )
    accuracy = (answers.argmax(2) == labels).mean(1)
    best = max(range(len(penalties)), key=lambda place: (accuracy[place], penalties[place]))
    return RidgeHeads(penalties, weights, mean - weights @ centre, answers, accuracy, best)


def _solved(
    centred: Floats, targets: Floats, penalties: Floats, together: list[NDArray[np.int64]]
) -> tuple[Floats, Floats]:
    """The weights [L, C, D] at each penalty, and the scores [L, N, C] of rows that were left out."""
    mean = targets.mean(0)
    scores, values, onto_features = decompose(centred)
    slopes = scores.T @ (targets - mean)
    weight, left_out = [], []
    for strength in penalties:
        shrunk = 1 / (values**2 + len(centred) * strength)
        coefficients = shrunk[:, None] * slopes
        residual = targets - mean - scores @ coefficients
        weight.append((onto_features @ coefficients).T)
        left_out.append(targets - _left_out(scores * np.sqrt(shrunk), residual, together))
    return np.stack(weight), np.stack(left_out)


def decompose(centred: Floats) -> tuple[Floats, Floats, Floats]:
    """Scores U S [N, R], singular values S [R] and V [D, R] of centred features, from the smaller Gram matrix.

    Directions in which the features do not vary, to the precision of the Gram matrix, are left out.
    """
    wide = centred.shape[0] < centred.shape[1]
    squares, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    kept = squares > max(centred.shape) * np.finfo(np.float64).eps * max(squares[-1], np.finfo(np.float64).tiny)
    values, vectors = np.sqrt(squares[kept]), vectors[:, kept]
    if wide:
        return vectors * values, values, centred.T @ (vectors / values)
    return centred @ vectors, values, vectors


def _together(blocks: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The sets of at least two rows that are left out together."""
    order = np.argsort(blocks, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(blocks[order])) + 1)
    if len(parts) < 2:
        raise PlanError("All pictures are one set of copies or one group: none can be judged by the others.")
    return [part for part in parts if len(part) > 1]


def _left_out(half: Floats, residual: Floats, together: list[NDArray[np.int64]]) -> Floats:
    """Residuals [N, C] of rows that were left out; half [N, R] is the square root of the smoother without its mean."""
    share = 1 / len(half)
    result = residual / (1 - share - (half**2).sum(1))[:, None]
    for part in together:
        smoother = share + half[part] @ half[part].T
        result[part] = np.linalg.solve(np.eye(len(part)) - smoother, residual[part])
    return result
