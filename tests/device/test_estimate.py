"""The least time of a step."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.device.estimate import Work, estimate, which
from ravine.device.probe import Probe

CPU = Probe("cpu", "CPU", 1e11, None, 2e-6, 2e-6, 1e10)
GPU = Probe("cuda", "GPU", 1e13, 1e14, 1e-5, 2e-5, 1e12, 1e10, 2e10)


def test_a_cpu_waits_for_each_operation_and_a_gpu_does_not():
    work = Work(operations=1000, arithmetic=1e9, moved=5e8, copied=1e7)
    assert estimate(CPU, work).seconds == pytest.approx(2e-3 + 5e-2)
    assert estimate(GPU, work).seconds == pytest.approx(1e-2)
    assert estimate(GPU, work).limit == "launching operations"


@given(
    st.floats(0, 1e6), st.floats(0, 1e12), st.floats(0, 1e12), st.sampled_from(("operations", "arithmetic", "moved"))
)
def test_more_work_never_takes_less(operations, arithmetic, moved, more):
    work = Work(operations, arithmetic, moved)
    larger = replace(work, **{more: 2 * getattr(work, more) + 1})
    for one in (CPU, GPU):
        assert estimate(one, larger).seconds >= estimate(one, work).seconds


def test_without_a_gpu_the_cpu_it_is():
    assert which([estimate(CPU, Work(1, 1, 1))]) == ("cpu", "There is no CUDA device.")


def test_a_gpu_is_taken_and_where_it_is_slower_that_is_said():
    large, small = Work(1000, 1e11, 1e9), Work(1000, 1e6, 1e5)
    device, why = which([estimate(CPU, large), estimate(GPU, large)])
    assert device == "cuda"
    assert why == (
        "A step takes at least 10 ms there, mostly launching operations, and at least 1e+03 ms on the CPU, mostly "
        "arithmetic."
    )
    device, why = which([estimate(CPU, small), estimate(GPU, small)])
    assert device == "cuda"
    assert "give --device cpu" in why
