import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ravine.data.apportion import apportion


def run(labels, blocks, weights, seed=0):
    return apportion(np.asarray(labels), np.asarray(blocks), np.asarray(weights, float), np.random.default_rng(seed))


def counts(labels, parts, number_of_parts):
    table = np.zeros((number_of_parts, max(labels) + 1), int)
    np.add.at(table, (parts, labels), 1)
    return table.tolist()


def test_single_pictures_meet_the_shares_exactly():
    labels = [0] * 100 + [1] * 20
    parts = run(labels, range(120), [0.65, 0.2, 0.15])
    assert counts(labels, parts, 3) == [[65, 13], [20, 4], [15, 3]]


def test_few_pictures_go_to_the_first_parts_first():
    labels = [0] * 3 + [1] * 2 + [2]
    parts = run(labels, range(6), [0.65, 0.2, 0.15])
    assert counts(labels, parts, 3) == [[1, 1, 1], [1, 1, 0], [1, 0, 0]]


def test_a_part_of_no_weight_stays_empty():
    labels = [0, 1] * 10
    assert counts(labels, run(labels, range(20), [0.8, 0, 0.2]), 3) == [[8, 8], [0, 0], [2, 2]]


def test_blocks_of_equal_size_reach_every_part():
    labels = np.repeat([0, 1], 30)
    blocks = np.repeat(np.arange(6), 10)
    table = np.array(counts(labels.tolist(), run(labels, blocks, [0.65, 0.2, 0.15]), 3))
    assert (table == 10).all()


def test_blocks_with_several_labels_stay_whole():
    labels = [0, 1, 0, 1, 0, 1, 0, 1]
    blocks = [0, 0, 1, 1, 2, 2, 3, 3]
    parts = run(labels, blocks, [0.5, 0.5])
    assert parts.reshape(-1, 2).std(axis=1).max() == 0
    assert counts(labels, parts, 2) == [[2, 2], [2, 2]]


def test_the_seed_decides():
    labels = [0, 1] * 50
    one, same, other = (run(labels, range(100), [0.8, 0.2], seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@given(
    pictures=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=60),
    weights=st.lists(st.sampled_from([0.0, 0.1, 0.3, 1.0]), min_size=1, max_size=5).filter(any),
    seed=st.integers(0, 99),
)
def test_whatever_is_given(pictures, weights, seed):
    labels, blocks = np.array(pictures).T
    parts = run(labels, blocks, weights, seed)
    allowed = np.flatnonzero(weights)
    assert np.isin(parts, allowed).all()
    for block in set(blocks.tolist()):
        assert len(set(parts[blocks == block].tolist())) == 1


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    weights=st.lists(st.sampled_from([0.1, 0.3, 1.0]), min_size=1, max_size=5),
)
def test_single_pictures_come_within_one_of_their_share_and_reach_every_part(sizes, weights):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    table = np.array(counts(labels.tolist(), run(labels, np.arange(len(labels)), weights), len(weights)))
    assert (table > 0).sum(axis=0).tolist() == [min(size, len(weights)) for size in sizes]
    exact = np.outer(weights, sizes) / sum(weights)
    assert (table >= np.floor(exact) - (len(weights) - 1)).all()
    assert (table <= np.maximum(np.ceil(exact), 1)).all()
