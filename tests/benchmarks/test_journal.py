"""Results that outlast a benchmark, except failures."""

import pytest
from benchmarks.journal import Journal, NotOnRecordError


def test_what_is_there_is_not_done_again(tmp_path):
    path = tmp_path / "folder" / "record.jsonl"
    first = Journal(path).result({"way": "head", "seed": 0}, lambda: {"accuracy": 0.5})
    again = Journal(path)
    for look in (again.result, again.known):
        assert look({"way": "head", "seed": 0}, lambda: pytest.fail("asked again")) == first
    with pytest.raises(NotOnRecordError):
        again.known({"seed": 1, "way": "head"}, lambda: pytest.fail("asked the machine"))
    assert first["accuracy"] == 0.5


def test_failures_are_tried_again(tmp_path):
    path = tmp_path / "record.jsonl"
    assert Journal(path).result({"way": "all"}, lambda: {"failed": "no"})["failed"] == "no"
    assert Journal(path).result({"way": "all"}, lambda: {"seconds": 1.0})["seconds"] == 1.0
