import csv

import numpy as np
import pytest

from ravine.base.errors import OutputError, PlanError, SourceError
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.split import SplitChoices, fitting_folds, folds, split


def audit_of(tmp_path, labels, **more):
    """An audit of random pictures; equal numbers in ``looks`` make equal pictures."""
    looks = more.pop("looks", range(len(labels)))
    x = np.stack([np.random.default_rng(look).integers(0, 256, (8, 8), dtype=np.uint8) for look in looks])
    np.savez(tmp_path / "a.npz", x=x, y=labels, **more)
    return scan(read_source(tmp_path / "a.npz"))


def sizes(audit, drawn):
    return [
        np.bincount(audit.labels[part], minlength=2).tolist() for part in (drawn.train, drawn.validation, drawn.test)
    ]


def test_nothing_given(tmp_path):
    audit = audit_of(tmp_path, [0] * 40 + [1] * 20)
    drawn = split(audit, SplitChoices(), seed=3)
    assert sizes(audit, drawn) == [[26, 13], [6, 3], [8, 4]]
    assert sorted(np.concatenate([drawn.train, drawn.validation, drawn.test]).tolist()) == list(range(60))
    assert drawn.origin == "validation drawn (15%), test drawn (20%)"
    assert drawn.leaks == 0
    assert all(
        part.dtype == np.int64 and (np.diff(part) > 0).all() for part in (drawn.train, drawn.validation, drawn.test)
    )


def test_the_seed_decides(tmp_path):
    audit = audit_of(tmp_path, [0, 1] * 30)
    one, same, other = (split(audit, SplitChoices(), seed).test.tolist() for seed in (0, 0, 1))
    assert one == same != other


def test_no_test_and_no_validation(tmp_path):
    audit = audit_of(tmp_path, [0, 1] * 10)
    assert sizes(audit, split(audit, SplitChoices(test=0, validation=0), 0)) == [[10, 10], [0, 0], [0, 0]]


def test_a_given_test_part_is_kept_and_validation_drawn(tmp_path):
    audit = audit_of(tmp_path, [0, 1] * 20, split=["train"] * 28 + [""] * 2 + ["test"] * 10)
    drawn = split(audit, SplitChoices(validation=0.2), 0)
    assert drawn.test.tolist() == list(range(30, 40))
    assert sizes(audit, drawn) == [[12, 12], [3, 3], [5, 5]]
    assert drawn.origin == "validation drawn from training (20%), test as given"


def test_a_given_validation_part_is_for_choosing_and_test_is_drawn(tmp_path):
    audit = audit_of(tmp_path, [0, 1] * 20, split=["train"] * 30 + ["val"] * 10)
    drawn = split(audit, SplitChoices(), 0)
    assert drawn.validation.tolist() == list(range(30, 40))
    assert sizes(audit, drawn) == [[12, 12], [5, 5], [3, 3]]
    assert drawn.origin == "validation as given, test drawn from training (20%)"


def test_all_three_given(tmp_path):
    audit = audit_of(tmp_path, [0, 1] * 6, split=["train"] * 4 + ["val"] * 4 + ["test"] * 4)
    drawn = split(audit, SplitChoices(), 0)
    assert [part.tolist() for part in (drawn.train, drawn.validation, drawn.test)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]
    assert drawn.origin == "validation as given, test as given"


def test_leaks_in_a_given_split_are_counted(tmp_path):
    looks = [0, 1, 2, 3, 4, 5, 0, 0, 8, 9]
    audit = audit_of(tmp_path, [0, 1] * 5, looks=looks, split=["train"] * 6 + ["test"] * 4)
    assert split(audit, SplitChoices(), 0).leaks == 2


def test_groups_and_copies_are_never_torn_apart(tmp_path):
    looks = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, *range(12, 40)]
    groups = ["a", "b", "a", "c", "b", "d", "c", "d", "e", "f", *[""] * 30]
    audit = audit_of(tmp_path, [0, 1] * 20, looks=looks, group=groups)
    for seed in range(20):
        drawn = split(audit, SplitChoices(), seed)
        assert drawn.leaks == 0
        for one, other in ((drawn.train, drawn.test), (drawn.train, drawn.validation), (drawn.validation, drawn.test)):
            assert not set(audit.blocks[one]) & set(audit.blocks[other])


def test_a_class_without_training_pictures(tmp_path):
    audit = audit_of(tmp_path, [0, 0, 0, 1, 1], split=["train"] * 3 + ["test"] * 2)
    with pytest.raises(SourceError, match="'1'"):
        split(audit, SplitChoices(), 0)


def test_a_part_that_would_stay_empty(tmp_path):
    audit = audit_of(tmp_path, [0, 1] * 2)
    with pytest.raises(SourceError, match="No picture is left for validation"):
        split(audit, SplitChoices(), 0)
    assert sizes(audit, split(audit, SplitChoices(validation=0), 0)) == [[1, 1], [0, 0], [1, 1]]
    grouped = audit_of(tmp_path, [0, 1] * 10, group=["film"] * 20)
    with pytest.raises(SourceError, match="20 of the 20 pictures"):
        split(grouped, SplitChoices(), 0)


@pytest.mark.parametrize(("test", "validation"), [(1.0, 0.1), (-0.1, 0.1), (0.6, 0.4), (float("nan"), 0.1)])
def test_shares_out_of_range(test, validation):
    with pytest.raises(PlanError, match="SplitChoices"):
        SplitChoices(test, validation)


def test_the_table_of_a_split(make_folders):
    root = make_folders()
    (root / "cat/00.png").rename(root / "cat/zwei\nZeilen, grün.png")
    audit = scan(read_source(root))
    drawn = split(audit, SplitChoices(test=0.25, validation=0.25), 0)
    drawn.write_csv(root / "split.csv", audit)
    with (root / "split.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["label"]) for row in rows] == [
        (name, audit.classes[label]) for name, label in zip(audit.names, audit.labels, strict=True)
    ]
    assert [index for index, row in enumerate(rows) if row["part"] == "test"] == drawn.test.tolist()
    assert [index for index, row in enumerate(rows) if row["part"] == "train"] == drawn.train.tolist()


def test_a_table_that_cannot_be_written(make_folders, tmp_path):
    audit = scan(read_source(make_folders()))
    with pytest.raises(OutputError, match="cannot be written"):
        split(audit, SplitChoices(), 0).write_csv(tmp_path / "nowhere/split.csv", audit)


def test_folds_hold_each_picture_once_and_keep_blocks_whole(tmp_path):
    looks = [*range(30), *range(10)]
    audit = audit_of(tmp_path, [0, 1] * 20, looks=looks)
    indices = np.arange(2, 40)
    divided = folds(indices, audit, 4, seed=1)
    assert sorted(np.concatenate([held for _, held in divided]).tolist()) == indices.tolist()
    for fit, held in divided:
        assert sorted([*fit, *held]) == indices.tolist()
        assert not set(audit.blocks[fit]) & set(audit.blocks[held])
        assert set(audit.labels[held]) == set(audit.labels[fit]) == {0, 1}
    assert [held.tolist() for _, held in folds(indices, audit, 4, seed=1)] == [held.tolist() for _, held in divided]


def test_a_single_fold_is_refused(tmp_path):
    with pytest.raises(PlanError, match="folds = 1"):
        folds(np.arange(4), audit_of(tmp_path, [0, 1, 0, 1]), 1, 0)


def test_folds_to_fit_leave_pictures_on_both_sides(make_folders):
    audit = scan(read_source(make_folders()))
    rows = np.arange(len(audit))
    assert all(len(fit) and len(held) for fit, held in fitting_folds(rows, audit, 50, 0))
    with pytest.raises(PlanError, match="too few groups"):
        fitting_folds(rows[:1], audit, 2, 0)
