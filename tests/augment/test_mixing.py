import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ravine.augment.mixing import beta, partners


@given(st.integers(1, 50), st.integers(0, 1000))
def test_partners_form_one_circle(count, seed):
    partner = partners(torch.rand(2, count, generator=torch.Generator().manual_seed(seed)))
    place, visited = 0, []
    for _ in range(count):
        visited.append(place)
        place = int(partner[place])
    assert place == 0
    assert sorted(visited) == list(range(count))


def test_the_partner_has_the_next_larger_key():
    keys = [0.3, 0.9, 0.1, 0.5]
    slow = [min(range(4), key=lambda j: (keys[j] <= keys[i], keys[j])) for i in range(4)]
    assert partners(torch.tensor([keys, [0.0] * 4])).tolist() == slow


def test_the_second_number_decides_between_equal_first_ones():
    assert partners(torch.tensor([[0.5, 0.5, 0.5], [0.3, 0.1, 0.2]])).tolist() == [1, 2, 0]


def test_equal_pictures_of_a_batch_are_no_error():
    assert sorted(partners(torch.full((2, 5), 0.5)).tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha):
    shares = beta(torch.linspace(0, 1, 2001)[:-1] + 0.5 / 2000, alpha).double().numpy()
    assert ((shares >= 0) & (shares <= 1)).all()
    between = (shares > 1e-6) & (shares < 1 - 1e-6)
    levels = (torch.arange(2000).double() + 0.5).numpy()[between] / 2000
    assert abs(stats.beta.cdf(shares[between], alpha, alpha) - levels).max() < 1e-3


@pytest.mark.parametrize("alpha", [1e-4, 1e-2, 1.0, 1e3])
def test_shares_are_numbers_at_the_ends(alpha):
    shares = beta(torch.tensor([0.0, 2**-24, 0.5, 1 - 2**-24]), alpha)
    assert bool(torch.isfinite(shares).all())
    assert shares[0] == 0
