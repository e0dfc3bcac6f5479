"""The numbers of the house: small files, small functions, rooms with a purpose."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 40


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_files_and_functions_are_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


def test_no_room_is_without_a_purpose():
    assert not [path.name for path in SOURCES if path.stem.strip("_") in {"utils", "util", "helpers", "common", "misc"}]


def test_no_mark_of_unfinished_work():
    marks = ("TODO", "FIXME", "NotImplemented", "type: " + "ignore", "no" + "qa")
    assert not [(path.name, mark) for path in SOURCES for mark in marks if mark in path.read_text(encoding="utf-8")]
