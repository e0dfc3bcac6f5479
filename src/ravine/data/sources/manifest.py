"""A table of pictures: a CSV file with the columns path, label and, if wanted, group and split."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ravine.base.errors import SourceError
from ravine.data.sources.listing import SPLIT_WORDS, Item, Listing, Role

_REQUIRED = ("path", "label")
_COLUMNS = (*_REQUIRED, "group", "split")


def read_manifest(table: Path) -> Listing:
    """List the pictures that a CSV file names.

    The first line is the header. Paths are relative to the folder of the table. Commas, semicolons and tabs are
    understood as separators, and a byte order mark is passed over. A file that does not exist is listed all the same;
    the scan sets it aside by name.

    Args:
        table: The file, in UTF-8.

    Returns:
        The pictures, in the order of the table.

    Raises:
        SourceError: A column is missing, twice there or unknown; a line has no path or label, too many fields, or an
            unknown word for its part. The message names the line.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as failure:
        raise SourceError(f"{str(table)!r} is not in UTF-8 ({failure.reason} at byte {failure.start}).") from failure
    try:
        items = tuple(_rows(table, text))
    except csv.Error as failure:
        raise SourceError(f"{str(table)!r} is not a CSV table: {failure}.") from failure
    return Listing("manifest", str(table), items, tuple(sorted({item.label for item in items})))


def _rows(table: Path, text: str) -> Iterator[Item]:
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    columns = _header(table, next(reader, []))
    for fields in reader:
        if fields:
            yield _item(table, reader.line_num, columns, fields)


def _header(table: Path, fields: list[str]) -> list[str]:
    columns = [word.strip().lower() for word in fields]
    unknown = [word for word in columns if word not in _COLUMNS]
    missing = [word for word in _REQUIRED if word not in columns]
    if unknown or missing or len(set(columns)) != len(columns):
        raise SourceError(
            f"{str(table)!r}, line 1: the header is {','.join(fields)!r}. It must be path,label and may go on with "
            "group,split, each once."
        )
    return columns


def _item(table: Path, line: int, columns: list[str], fields: list[str]) -> Item:
    if len(fields) > len(columns):
        raise SourceError(
            f"{str(table)!r}, line {line}: {len(fields)} fields under {len(columns)} columns. "
            "Put a field that holds the separator in double quotes."
        )
    row = dict(zip(columns, (field.strip() for field in fields), strict=False))
    for column in _REQUIRED:
        if not row.get(column):
            raise SourceError(f"{str(table)!r}, line {line}: there is no {column}. Fill it in, or remove the line.")
    place = f"{str(table)!r}, line {line}"
    return Item(
        row["path"], table.parent / row["path"], row["label"], row.get("group") or None, role(place, row.get("split"))
    )


def role(place: str, word: str | None) -> Role | None:
    """The part of the data that a word means.

    Args:
        place: Where the word stands, for the message.
        word: train, val, test or a synonym, in any case; nothing where the part is left open.

    Raises:
        SourceError: The word is not known.
    """
    if not word:
        return None
    if word.lower() not in SPLIT_WORDS:
        raise SourceError(f"{place}: the split is {word!r}. Allowed: {', '.join(SPLIT_WORDS)}, or nothing.")
    return SPLIT_WORDS[word.lower()]
