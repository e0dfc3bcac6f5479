import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import fractional_max_pool2d as torch_fractional_max_pool2d
from torch.nn.functional import max_pool2d

from ravine.base.draws import FixedDraws, KeyedDraws
from ravine.base.errors import PlanError
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.fractional_pool import FractionalPool, HalvingPool, fractional_max_pool2d
from ravine.regularize.fractional_regions import numbers_needed, regions

MODES, KINDS = ("pseudorandom", "random"), ("overlapping", "disjoint")


def graham_pseudorandom(u, n_in, n_out, k, kind):
    """What `PseudorandomOverlappingFmpTicks` and `PseudorandomNonOverlappingFmpTicks` compute."""
    alpha = (n_in - k) / (n_out - 1) if kind == "overlapping" else n_in / n_out
    left = [int((j + u) * alpha) - int(u * alpha) for j in range(n_out)]
    if kind == "overlapping":
        return left, [i + k for i in left]
    return left, [int((j + u) * alpha) - int(u * alpha) for j in range(1, n_out + 1)]


def graham_random(order, n_in, n_out, kind):
    """What `RandomOverlappingFmpTicks` and `RandomNonOverlappingFmpTicks` compute from a shuffled list."""
    alpha = n_in // n_out
    count = n_out - 1 if kind == "overlapping" else n_out
    increments = [alpha] * (n_out * (alpha + 1) - n_in)
    increments += [alpha + 1] * (count - len(increments))
    shuffled = [increments[place] for place in order]
    if kind == "overlapping":
        left = [sum(shuffled[:j]) for j in range(n_out)]
        return left, [i + alpha + 1 for i in left]
    right = [sum(shuffled[: j + 1]) for j in range(n_out)]
    return [0, *right[:-1]], right


@given(st.integers(3, 64), st.data(), st.sampled_from(KINDS), st.integers(0, 10_000))
def test_pseudorandom_regions_are_grahams(n_in, data, kind, seed):
    n_out = data.draw(st.integers(2, n_in - 1))
    k = math.ceil(n_in / n_out)
    assume(n_in >= n_out - 1 + k)
    u = torch.rand(3, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    starts, stops = regions(u, n_in, n_out, k, "pseudorandom", kind)
    for row in range(3):
        left, right = graham_pseudorandom(u[row].item(), n_in, n_out, k, kind)
        assume(right[-1] == n_in)
        assert starts[row].tolist() == left
        assert stops[row].tolist() == right


@given(st.integers(3, 64), st.data(), st.sampled_from(KINDS), st.integers(0, 10_000))
def test_random_regions_are_grahams(n_in, data, kind, seed):
    n_out = data.draw(st.integers(2, n_in - 1))
    assume(n_in % n_out)
    k = n_in // n_out + 1
    numbers = torch.rand(
        3, numbers_needed(n_out, "random", kind), generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    starts, stops = regions(numbers, n_in, n_out, k, "random", kind)
    for row in range(3):
        left, right = graham_random(numbers[row].argsort().tolist(), n_in, n_out, kind)
        assert right[-1] == n_in
        assert starts[row].tolist() == left
        assert stops[row].tolist() == right


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(n_in=st.integers(2, 40), seed=st.integers(0, 100), data=st.data())
def test_regions_cover_the_axis_in_order(mode, kind, n_in, seed, data):
    n_out = data.draw(st.integers(math.ceil(n_in / 2), n_in - 1))
    numbers = torch.rand(4, numbers_needed(n_out, mode, kind), generator=torch.Generator().manual_seed(seed))
    starts, stops = regions(numbers.double(), n_in, n_out, 2, mode, kind)
    sizes = stops - starts
    assert bool((sizes == 2).all() if kind == "overlapping" else ((sizes >= 1) & (sizes <= 2)).all())
    for left, right in zip(starts.tolist(), stops.tolist(), strict=True):
        assert sorted({i for a, b in zip(left, right, strict=True) for i in range(a, b)}) == list(range(n_in))
        assert sorted(left) == left


def test_random_regions_take_every_order_equally_often():
    numbers = torch.rand(6000, 3, generator=torch.Generator().manual_seed(0))
    starts, _ = regions(numbers, 4, 3, 2, "random", "disjoint")
    found, counts = starts.unique(dim=0, return_counts=True)
    assert found.tolist() == [[0, 1, 2], [0, 1, 3], [0, 2, 3]]
    assert bool((counts - 2000).abs().max() < 150)


def test_regions_that_do_not_fit():
    with pytest.raises(PlanError, match="5 overlapping regions of 3 entries do not fit an axis of 6"):
        regions(torch.rand(1, 1), 6, 5, 3, "pseudorandom", "overlapping")
    with pytest.raises(PlanError, match="disjoint ones at least 3"):
        regions(torch.rand(1, 1), 6, 2, 2, "pseudorandom", "disjoint")


def by_hand(x, rows, columns):
    out = torch.empty(*x.shape[:2], rows[0].shape[1], columns[0].shape[1], dtype=x.dtype)
    for n in range(len(x)):
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                a, b = rows[0][n, i], rows[1][n, i]
                c, d = columns[0][n, j], columns[1][n, j]
                out[n, :, i, j] = x[n, :, a:b, c:d].amax((1, 2))
    return out


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_pooling_takes_the_maximum_of_each_region_of_each_picture(mode, kind):
    x = torch.randn(3, 2, 9, 7).double().requires_grad_()
    rows = regions(torch.rand(3, numbers_needed(6, mode, kind)), 9, 6, 2, mode, kind)
    columns = regions(torch.rand(3, numbers_needed(5, mode, kind)), 7, 5, 2, mode, kind)
    torch.testing.assert_close(fractional_max_pool2d(x, rows, columns, 2), by_hand(x, rows, columns))
    assert torch.autograd.gradcheck(lambda x: fractional_max_pool2d(x, rows, columns, 2), [x])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=40)
@given(
    height=st.integers(4, 30),
    width=st.integers(4, 30),
    k=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    data=st.data(),
)
def test_pytorchs_answer_and_gradient_for_the_same_samples(dtype, height, width, k, seed, data):
    size = data.draw(st.integers(1, height - k + 1)), data.draw(st.integers(1, width - k + 1))
    assume(size[0] < height and size[1] < width)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 20, (2, 3, height, width), generator=generator).to(dtype).requires_grad_()
    samples = torch.rand(2, 2, generator=generator, dtype=dtype)
    theirs = torch_fractional_max_pool2d(x, k, output_size=size, _random_samples=samples[:, None].expand(2, 3, 2))
    columns = regions(samples[:, :1], width, size[1], k, "pseudorandom", "overlapping")
    rows = regions(samples[:, 1:], height, size[0], k, "pseudorandom", "overlapping")
    ours = fractional_max_pool2d(x, rows, columns, k)
    assert torch.equal(ours, theirs)
    outer = torch.rand(theirs.shape, generator=generator, dtype=dtype)
    gradients = [torch.autograd.grad(y, x, outer)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients)


def test_not_a_number_is_seen():
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 3, 3] = math.nan
    ends = torch.tensor([[0, 2]]), torch.tensor([[2, 4]])
    assert fractional_max_pool2d(x, ends, ends, 2).isnan().tolist() == [[[[False, False], [False, True]]]]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [2, 3, 4, 5, 7, 15, 28])
def test_halving_keeps_the_size_and_the_largest_entry_in_every_mode(mode, kind, size):
    x = torch.randn(3, 2, size, size + 1)
    pool = HalvingPool(mode, kind, KeyedDraws(0), 0, FixedDraws())
    for y in (pool.train()(x), pool.eval()(x)):
        assert y.shape == max_pool2d(x, 2).shape
        if size > 3:
            assert torch.equal(y.amax((2, 3)), x.amax((2, 3)))


def test_one_region_set_a_picture_shared_by_its_channels():
    x = torch.arange(28 * 28.0).view(1, 1, 28, 28).expand(3, 4, 28, 28)
    y = HalvingPool("random", "disjoint", KeyedDraws(0))(x)
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert len(y.unique(dim=0)) == 3


def test_keyed_regions_repeat_and_differ_by_step_layer_and_seed():
    x = torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))

    def output(seed=3, step=5, layer=1):
        draws = KeyedDraws(seed)
        draws.step = step
        return HalvingPool("random", "overlapping", draws, layer)(x)

    assert torch.equal(output(), output())
    assert not any(torch.equal(output(), other) for other in (output(seed=4), output(step=6), output(layer=2)))


def test_plain_evaluation_is_the_pooling_that_was_replaced():
    network = SmallCNN(width=3).build(1, 15, 4).eval()
    x = torch.rand(2, 1, 15, 15)
    before = network(x)
    part = FractionalPool(test="plain")
    assert part.install(network, KeyedDraws(0)) == 1
    assert part.finish(network) is network
    assert torch.equal(network(x), before)
    assert not torch.equal(network.train()(x), before)


def test_average_is_the_mean_softmax_over_fixed_passes():
    network, part = SmallCNN(width=3).build(1, 28, 4), FractionalPool(mode="random", passes=3)
    assert part.install(network, KeyedDraws(0)) == 2
    x, pools = torch.rand(2, 1, 28, 28), [m for m in network.modules() if isinstance(m, HalvingPool)]
    network.eval()
    alone, probabilities = network(x), []
    for number in range(3):
        for pool in pools:
            pool.test_draws = FixedDraws(number=number)
        probabilities.append(network(x).softmax(1))
    finished = part.finish(network)
    for pool in pools:
        pool.test_draws = FixedDraws()
    torch.testing.assert_close(finished(x).exp(), torch.stack(probabilities).mean(0))
    assert not torch.allclose(probabilities[0], probabilities[1], atol=1e-6)
    assert torch.equal(finished(x), finished(x))
    assert torch.equal(network(x), alone)
    torch.testing.assert_close(finished(x[:1]), finished(x)[:1])


def test_install_keeps_parameters_and_takes_only_poolings_by_two():
    network = SmallCNN(width=2).build(1, 28, 3)
    before = {name: id(parameter) for name, parameter in network.named_parameters()}
    FractionalPool().install(network, KeyedDraws(0))
    assert {name: id(parameter) for name, parameter in network.named_parameters()} == before
    assert FractionalPool().install(nn.Sequential(nn.MaxPool2d(3, 2, 1)), KeyedDraws(0)) == 0
    assert FractionalPool().install(MLP(width=2).build(1, 4, 2), KeyedDraws(0)) == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_network_answers_alike(mode, kind):
    network, part = SmallCNN(width=2, depth=1).build(1, 12, 3), FractionalPool(mode=mode, kind=kind, passes=2)
    part.install(network, KeyedDraws(0))
    finished = part.finish(network).eval()
    dynamic = ({0: torch.export.Dim("n", min=1, max=64)},)
    exported = torch.export.export(finished, (torch.rand(3, 1, 12, 12),), dynamic_shapes=dynamic).module()
    x = torch.rand(5, 1, 12, 12)
    torch.testing.assert_close(exported(x), finished(x))
