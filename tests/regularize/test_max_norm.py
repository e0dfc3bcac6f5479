import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravine.models.small_cnn import SmallCNN
from ravine.regularize.max_norm import MaxNorm, within
from ravine.train.state import PictureShape, Population


def test_every_unit_of_every_layer_is_bounded_and_the_rest_is_left_alone():
    population = Population(SmallCNN(width=2, depth=2), PictureShape(1, 16, 3), seeds=[0])
    population.theta.mul_(20)
    before = population.theta.clone()
    population.theta.copy_(MaxNorm(limit=2.0).after(population.theta, population.layout))
    for slot, now, then in zip(
        population.layout.slots,
        population.layout.split(population.theta).values(),
        population.layout.split(before).values(),
        strict=True,
    ):
        if slot.kind == "weight":
            torch.testing.assert_close(now[0], torch.renorm(then[0], 2, 0, 2.0))
            assert bool((now[0].flatten(1).norm(dim=1) <= 2.0001).all())
        else:
            assert torch.equal(now, then)


@settings(max_examples=30)
@given(st.floats(0.01, 10), st.integers(0, 1000))
def test_units_within_the_bound_keep_every_bit_and_others_their_direction(limit, seed):
    weight = torch.randn(2, 5, 3, 2, generator=torch.Generator().manual_seed(seed))
    after = within(weight, limit)
    norm = weight.flatten(2).norm(dim=2)
    inside = norm < 0.999 * limit
    assert torch.equal(after[inside], weight[inside])
    cosine = torch.cosine_similarity(after.flatten(2), weight.flatten(2), dim=2)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))
    torch.testing.assert_close(after.flatten(2).norm(dim=2), norm.clamp(max=limit))


def test_units_of_zeros_stay():
    assert torch.equal(within(torch.zeros(1, 2, 3), 1.0), torch.zeros(1, 2, 3))
