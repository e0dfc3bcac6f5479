import torch

from ravine.ensemble.collector import Kept


def _watched(kept: Kept, first: int, last: int) -> Kept:
    for step in range(first, last + 1):
        values = torch.tensor([[float(step)], [10.0 * step]])
        kept.update(values, -values, step)
        values.zero_()
    return kept


def test_copies_at_the_steps_of_each_member():
    kept = _watched(Kept([[2, 4], [3]]), 1, 5)
    assert kept.candidates(0).theta.tolist() == [[2.0], [4.0]]
    assert kept.candidates(0).buffers.tolist() == [[-2.0], [-4.0]]
    assert kept.candidates(1).theta.tolist() == [[30.0]]


def test_interrupted_in_any_step_it_is_the_same():
    whole = _watched(Kept([[2, 11], [2, 9]]), 1, 12)
    for stop in range(13):
        saved = _watched(Kept([[2, 11], [2, 9]]), 1, stop).state_dict()
        resumed = Kept([[2, 11], [2, 9]])
        resumed.load_state_dict(saved)
        _watched(resumed, stop + 1, 12)
        for member in (0, 1):
            assert torch.equal(resumed.candidates(member).theta, whole.candidates(member).theta)
            assert torch.equal(resumed.candidates(member).buffers, whole.candidates(member).buffers)
