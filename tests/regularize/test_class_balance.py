import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy, one_hot

from ravine.regularize.class_balance import ClassBalance, balanced_order, class_weights

some_labels = st.lists(st.integers(0, 4), min_size=1, max_size=80).map(lambda labels: np.array(labels, np.int64))


@given(some_labels)
def test_full_weights_are_scikit_learns_balanced_ones(labels):
    present = np.unique(labels)
    expected = compute_class_weight("balanced", classes=present, y=labels)
    ours = class_weights(np.bincount(labels, minlength=5))
    np.testing.assert_allclose(ours[present], expected)
    assert not ours[np.setdiff1d(np.arange(5), present)].any()


@given(some_labels, st.floats(0, 1))
def test_the_mean_weight_of_a_picture_is_one(labels, power):
    assert class_weights(np.bincount(labels, minlength=5), power)[labels].mean() == pytest.approx(1)


def test_without_power_all_pictures_count_alike():
    np.testing.assert_allclose(class_weights(np.array([1, 50, 9]), 0.0), 1)


def test_the_weighted_loss_is_pytorchs_but_for_the_divisor():
    logits, labels = torch.randn(8, 3).double(), torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    counts = torch.tensor([5, 2, 1])
    weights = torch.from_numpy(class_weights(counts.numpy()))
    ours = cross_entropy(logits, ClassBalance().targets(one_hot(labels, 3).double(), counts))
    theirs = cross_entropy(logits, labels, weight=weights, reduction="sum") / 8
    torch.testing.assert_close(ours, theirs)


@given(some_labels, st.floats(0, 1), st.integers(0, 5))
def test_an_epoch_has_as_many_pictures_as_before_and_uses_those_of_a_class_evenly(labels, power, epoch):
    order = balanced_order(labels, seed=1, epoch=epoch, power=power)
    assert order.shape == labels.shape
    for name in np.unique(labels):
        uses = np.bincount(order, minlength=len(labels))[labels == name]
        assert uses.max() - uses.min() <= 1


@given(some_labels)
def test_full_balance_gives_every_class_the_same_share(labels):
    present = np.unique(labels)
    shares = np.bincount(labels[balanced_order(labels, 0, 0)], minlength=5)[present]
    assert shares.max() - shares.min() <= 1


@given(some_labels)
def test_without_power_an_epoch_holds_every_picture_once(labels):
    assert sorted(balanced_order(labels, 0, 0, power=0.0)) == list(range(len(labels)))


def test_what_is_left_over_goes_to_other_classes_in_other_epochs():
    labels = np.array([0, 1, 2, 2, 2, 2, 2])
    shares = {tuple(np.bincount(labels[balanced_order(labels, 0, epoch)])) for epoch in range(40)}
    assert shares == {(3, 2, 2), (2, 3, 2), (2, 2, 3)}


def test_orders_repeat_and_differ_by_seed_and_epoch():
    labels = np.arange(60) % 3
    orders = [balanced_order(labels, *key).tolist() for key in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert orders[0] == orders[1] == ClassBalance("sampling").order(labels, 0, 0).tolist()
    assert orders[0] != orders[2] != orders[3] != orders[0]
