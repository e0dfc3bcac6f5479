import threading

import pytest
import torch

from ravine.data.workers import in_threads


@pytest.mark.parametrize("threads", [1, 3, None])
def test_results_come_in_order(threads):
    assert list(in_threads(lambda number: number * number, 50, threads)) == [number * number for number in range(50)]


def test_threads_run_side_by_side_and_torch_on_one_core_each():
    meet = threading.Barrier(3, timeout=30)

    def work(number):
        meet.wait()
        return torch.get_num_threads()

    before = torch.get_num_threads()
    assert list(in_threads(work, 6, 3)) == [1] * 6
    assert torch.get_num_threads() == before


def test_an_error_is_raised_where_it_is_waited_for():
    def work(number):
        if number == 3:
            raise ValueError("three")
        return number

    results = in_threads(work, 1000, 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
