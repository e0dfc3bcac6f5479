"""Data sets for transfer learning: the same pictures each time, in parts that share nothing."""

import numpy as np
import pytest
from benchmarks.data.made import filtered
from benchmarks.data.picture_set import divided, spread
from benchmarks.data.transfer_sets import SETS

from ravine.data.scan import scan
from ravine.data.sources import read_source

FROM_DEBIAN = ("photos", "photo_windows", "themes", "scenes", "glyphs", "clothes", "tops", "turned_clothes")
NAMES = [pytest.param(name, marks=pytest.mark.assets if name in FROM_DEBIAN else ()) for name in SETS]


@pytest.fixture(params=NAMES)
def name(request):
    try:
        SETS[request.param].make(26, 26, 0)
    except SystemExit as missing:
        pytest.skip(str(missing))
    return request.param


def test_the_same_call_gives_the_same_pictures_and_a_larger_training_part_begins_with_the_smaller(name):
    small, again, large = (SETS[name].make(count, 52, 3) for count in (26, 26, 52))
    np.testing.assert_array_equal(small.x, again.x)
    np.testing.assert_array_equal(small.y, again.y)
    for one, other in ((small.x, large.x), (small.y, large.y)):
        np.testing.assert_array_equal(one[~small.test], other[~large.test][:26])
        np.testing.assert_array_equal(one[small.test], other[large.test])


def test_pictures_are_small_of_every_class_and_no_group_is_in_both_parts(name):
    made = SETS[name].make(78, 52, 0)
    assert made.x.dtype == np.uint8
    assert made.x.shape[:1] == made.y.shape == made.test.shape == (130,)
    assert max(made.x.shape[1:3]) <= max(96, SETS[name].pixels)
    assert set(made.y[~made.test].tolist()) == set(range(len(made.classes)))
    groups = [{word for word, tested in zip(made.group, made.test, strict=True) if tested == part} for part in (0, 1)]
    assert groups[0] & groups[1] <= {""}


def test_ravine_reads_what_is_written(tmp_path):
    made = SETS["discs"].make(12, 6, 0)
    made.write(tmp_path / "discs.npz")
    audit = scan(read_source(tmp_path / "discs.npz"))
    assert audit.classes == made.classes
    assert audit.parts == ("train",) * 12 + ("test",) * 6
    np.testing.assert_array_equal(audit.labels, made.y)


def test_every_start_of_the_order_has_the_classes_in_proportion():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    order = spread(y, 0)
    assert sorted(order.tolist()) == list(range(100))
    for count in (20, 50, 90):
        np.testing.assert_allclose(np.bincount(y[order[:count]], minlength=3) / count, [0.6, 0.3, 0.1], atol=0.06)


def test_more_pictures_than_there_are_is_a_refusal():
    with pytest.raises(SystemExit, match="more than the 5"):
        divided(np.zeros((5, 4, 4), np.uint8), np.arange(5) % 2, ("a", "b"), 3, 3, 0)


def test_amplitudes_fall_as_the_power_says():
    white = np.random.default_rng(0).normal(size=(64, 64))
    found = abs(np.fft.fft2(filtered(white, 1.5, 1.0, 0.0))) / abs(np.fft.fft2(white))
    assert found[0, 2] / found[0, 8] == pytest.approx(4**1.5)
    assert found[2, 0] == pytest.approx(found[0, 2])
