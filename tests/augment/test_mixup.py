import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.augment.mixup import Mixup, mixup


@given(st.integers(1, 6), st.sampled_from([1, 3]), st.integers(0, 1000))
def test_pictures_and_targets_are_weighted_means(count, channels, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 4, 3, channels), dtype=np.uint8)
    targets, share = rng.dirichlet(np.ones(5), count), rng.random(count)
    partner = rng.permutation(count)
    found, mixed = mixup(
        torch.tensor(images), torch.tensor(targets).float(), torch.tensor(share).float(), torch.tensor(partner)
    )
    for i, j in enumerate(partner):
        expected = share[i] * images[i] + (1 - share[i]) * images[j]
        np.testing.assert_allclose(found[i].numpy(), expected, atol=1e-3)
        np.testing.assert_allclose(mixed[i].numpy(), share[i] * targets[i] + (1 - share[i]) * targets[j], atol=1e-6)


def test_a_picture_has_the_same_share_in_any_batch(make_samples):
    """Targets of 40 classes tell who was mixed, and by how much."""

    def shares(rows):
        batch = make_samples(seed=1, epoch=4, rows=rows)
        apart = Mixup(1.0).mix(type(batch)(batch.images, torch.eye(len(rows)), batch.draws, 4)).targets
        return apart.diagonal()

    assert torch.equal(shares(range(40))[[3, 30, 8]], shares([3, 30, 8]))


def test_a_batch_of_one_stays(make_samples):
    before = make_samples(rows=[4])
    after = Mixup(1.0).mix(before)
    assert torch.equal(after.images, before.images.float())
    assert torch.equal(after.targets, before.targets)


def test_shares_are_half_on_average(make_samples):
    batches = [make_samples(epoch=epoch, rows=range(40)) for epoch in range(20)]
    shares = [Mixup(0.4).mix(type(b)(b.images, torch.eye(40), b.draws, b.epoch)).targets.diagonal() for b in batches]
    assert abs(torch.cat(shares).mean() - 0.5) < 0.05
