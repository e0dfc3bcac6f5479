"""The orthogonalization against a decomposition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.optim.newton_schulz import orthogonalized


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 4, 9), (2, 9, 4)])
def test_singular_values_end_near_one_and_vectors_stay(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left, values, right = torch.linalg.svd(matrices, full_matrices=False)
    matrices = left @ torch.diag_embed(values.clamp(min=0.1)) @ right
    mixed = left.mT @ orthogonalized(matrices, 5) @ right.mT
    diagonal = torch.diagonal(mixed, dim1=1, dim2=2)
    assert ((diagonal > 0.6) & (diagonal < 1.3)).all()
    assert torch.allclose(mixed, torch.diag_embed(diagonal), atol=1e-9)


@given(st.floats(1e-6, 1e6))
def test_scale_does_not_matter(factor: float) -> None:
    matrix = torch.tensor([[[1.0, 2.0], [3.0, -1.0]]], dtype=torch.float64)
    assert torch.allclose(orthogonalized(factor * matrix, 5), orthogonalized(matrix, 5), rtol=0, atol=1e-9)


def test_zero_stays_zero() -> None:
    assert torch.equal(orthogonalized(torch.zeros(1, 3, 2), 5), torch.zeros(1, 3, 2))
