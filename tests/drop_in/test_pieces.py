import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.drop_in import pieces
from ravine.drop_in.pieces import Piece, advance, bunches


def piece(start: int, size: int, dtype: torch.dtype = torch.float64) -> Piece:
    numbers = torch.arange(start, start + size, dtype=dtype)
    return Piece(numbers.clone(), numbers.clone(), {"m": numbers.clone()})


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 30))
def test_bunches_hold_every_entry_once_in_order_and_are_full(sizes, width):
    whole = [piece(100 * index, size) for index, size in enumerate(sizes)]
    before, pieces.CHUNK = pieces.CHUNK, width
    try:
        found = list(bunches(whole))
    finally:
        pieces.CHUNK = before
    for one in ("theta", "gradient"):
        flat = torch.cat([getattr(part, one) for bunch in found for part in bunch])
        assert torch.equal(flat, torch.cat([getattr(part, one) for part in whole]))
    totals = [sum(len(part.theta) for part in bunch) for bunch in found]
    assert max(totals) <= width
    assert all(total + len(after[0].theta) > width for total, after in zip(totals, found[1:], strict=False))


def test_a_formula_is_carried_out_in_place():
    parts = [piece(0, 3), piece(10, 2)]

    def formula(theta, gradient, state):
        assert theta.shape == (1, 5)
        return theta - gradient, {"m": state["m"] + 1}

    advance(parts, formula)
    assert not any(part.theta.any() for part in parts)
    assert [part.state["m"].tolist() for part in parts] == [[1, 2, 3], [11, 12]]
    assert parts[1].gradient.tolist() == [10, 11]


def test_half_precision_comes_in_as_float32():
    part, seen = piece(0, 2, torch.bfloat16), []

    def formula(theta, gradient, state):
        seen.extend([theta.dtype, gradient.dtype, state["m"].dtype])
        return theta + 0.5, state

    advance([part], formula)
    assert set(seen) == {torch.float32}
    assert part.theta.tolist() == [0.5, 1.5]
    assert part.theta.dtype == torch.bfloat16
