"""The record as lines of JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.base.errors import OutputError
from ravine.train.record import Epoch, write_jsonl

NUMBERS = st.one_of(st.none(), st.floats())
EPOCH = Epoch("choose", 0, 1, 5, 0.1, 0.5, 0.25, 0.75, 1.5)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


@given(loss=st.floats(), nll=NUMBERS, accuracy=NUMBERS, rate=st.floats(0, 10))
def test_every_line_is_strict_json_and_numbers_survive(
    tmp_path_factory: pytest.TempPathFactory, loss: float, nll: float | None, accuracy: float | None, rate: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "metrics.jsonl"
    epoch = Epoch("refit", 1, 2, 10, rate, loss, nll, accuracy, 0.5)
    write_jsonl([EPOCH, epoch], path)
    first, second = (json.loads(line, parse_constant=_refuse) for line in path.read_text().splitlines())
    assert Epoch(**first) == EPOCH
    for name, value in (("train_loss", loss), ("validation_nll", nll), ("validation_accuracy", accuracy)):
        finite = value is not None and abs(value) < float("inf")
        assert second[name] == (value if finite else None)
    assert (second["run"], second["member"], second["epoch"], second["learning_rate"]) == ("refit", 1, 2, rate)


def test_a_place_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"metrics cannot be written to .*nowhere.*No such file"):
        write_jsonl([EPOCH], tmp_path / "nowhere" / "metrics.jsonl")
