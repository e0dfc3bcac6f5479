"""How much memory a training takes."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ravine.base.errors import PlanError
from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.optim.adam import Adam
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.sgd import SGD
from ravine.train.memory import COMPILER_BYTES, LIBRARY_BYTES, Memory, check_memory, in_words, memory_of

SHAPE = (1, 16, 16)


def small() -> nn.Module:
    return SmallCNN(width=4).build(1, 16, 3).train()


def test_weights_count_once_for_each_matrix():
    network = small()
    parameters = 4 * sum(parameter.numel() for parameter in network.parameters())
    for rule, matrices in ((None, 3), (SGD(), 3), (Adam(), 5), (ScheduleFree(), 6)):
        found = memory_of(network, rule, SHAPE, batch_size=8, pictures=10)
        assert found.weights == matrices * parameters
    found = memory_of(network, Adam(), SHAPE, batch_size=8, pictures=10, members=3, copies=2)
    assert found.weights == 3 * 7 * parameters
    assert found.pictures == 10 * 256


def test_a_linear_layer_saves_its_input_and_the_loss_its_logarithms():
    network = nn.Sequential(nn.Flatten(), nn.Linear(256, 5))
    found = memory_of(network, SGD(), SHAPE, batch_size=10, pictures=1)
    saved = 4 * (256 + 5) + 8 + 4 * 256  # input, log-probabilities, targets; the largest again
    assert found.batch == pytest.approx(1.25 * 10 * (saved + 256 * 5), rel=0.01)


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_batch_is_proportional_to_its_pictures(first, second):
    network = MLP(width=8).build(1, 16, 3)
    one, two = (memory_of(network, SGD(), SHAPE, batch_size=size, pictures=1) for size in (first, second))
    assert one.batch / first == pytest.approx(two.batch / second, rel=0.01)
    assert one.weights == two.weights
    three = memory_of(network, SGD(), SHAPE, batch_size=first, pictures=1, members=4, at_once=3)
    assert three.batch == pytest.approx(3 * one.batch, rel=0.01)


@pytest.mark.parametrize("architecture", [SmallCNN(width=4), Residual(width=4, blocks=1), MLP(width=64)])
def test_two_pictures_say_what_eight_take(architecture, monkeypatch):
    network = architecture.build(1, 16, 3).train()
    two = memory_of(network, SGD(), SHAPE, batch_size=80, pictures=1)
    monkeypatch.setattr("ravine.train.memory.SAMPLE", 8)
    assert two.batch == pytest.approx(memory_of(network, SGD(), SHAPE, batch_size=80, pictures=1).batch, rel=0.1)


def test_nothing_of_the_network_is_changed():
    network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    memory_of(network, Adam(), SHAPE, batch_size=8, pictures=10)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert network.training


def test_the_estimate_is_a_sentence_with_its_parts():
    memory = Memory(2_000_000, 500_000, 30_000_000, 0, 128, "cpu")
    assert str(memory) == (
        "Training takes about 160 MB of memory: 2 MB of pictures, 500 kB of weights, gradients and states, 30 MB for a "
        "batch of 128, and 128 MB for libraries."
    )
    assert memory.total == 32_500_000 + LIBRARY_BYTES
    judged = replace(memory, judging=31_000_000)
    assert "31 MB for pictures to judge by" in str(judged)
    assert judged.total == 33_500_000 + LIBRARY_BYTES


def test_a_compiler_is_a_library_too():
    plain, compiled = (
        memory_of(small(), SGD(), SHAPE, batch_size=8, pictures=10, compiles=compiles) for compiles in (False, True)
    )
    assert plain.libraries == LIBRARY_BYTES
    assert compiled.total - plain.total == COMPILER_BYTES


def test_validation_pictures_need_the_largest_activation_three_times():
    network = nn.Sequential(nn.Flatten(), nn.Linear(256, 500))
    plain = memory_of(network, SGD(), SHAPE, batch_size=10, pictures=1)
    found = memory_of(network, SGD(), SHAPE, batch_size=10, pictures=1, judged=400, at_once=2)
    assert plain.judging == 0
    assert found.judging == pytest.approx(2 * 400 * (3 * 4 * 500 + 256 * 5), rel=0.01)


def test_what_does_not_fit_is_refused_with_the_numbers():
    memory = Memory(10**12, 10**9, 10**9, 0, 128, "cpu")
    check_memory(memory, None)
    check_memory(memory, memory.needed)
    with pytest.raises(PlanError, match=r"Of this, 2\.13 GB must be free, and 1 GB are\. Choose a smaller batch_size"):
        check_memory(memory, 10**9)
    with pytest.raises(PlanError, match=r"Choose a smaller picture\.size"):
        check_memory(replace(memory, judging=10**10), 10**9)
    on_gpu = replace(memory, device="cuda")
    assert on_gpu.needed == on_gpu.total
    with pytest.raises(PlanError, match=r"1,002 GB must be free"):
        check_memory(on_gpu, 10**10)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_counts_the_pictures_too():
    found = memory_of(small().to("cuda"), Adam(), SHAPE, batch_size=8, pictures=10)
    assert found.needed == found.total


def test_units():
    assert in_words(1) == "1 kB"
    assert in_words(10**12) == "1,000 GB"
