"""Orthogonal factors of matrices by a polynomial iteration, without a decomposition."""

from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalized(matrices: Tensor, iterations: int) -> Tensor:
    """Bring all singular values near 1, keeping the singular vectors.

        X ← G / ‖G‖        then repeatedly        X ← a·X + (b·XXᵀ + c·(XXᵀ)²)·X

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, with the coefficients
    given there, which grow small singular values fastest and leave all of them near 1 rather than at it.

    Args:
        matrices: [K, rows, columns]; a matrix of zeros stays zero.
        iterations: The number of rounds; 5 in the source.

    Returns:
        [K, rows, columns].
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.square().sum((1, 2), keepdim=True).sqrt().clamp(min=1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if tall else x
